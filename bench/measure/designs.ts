/**
 * Other designs of the batch, each beside the barest one: what would be won and lost. Each has a database of its own,
 * since one waits for the commits of the others in the same.
 */
import { withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { groupIDs } from '../rig/world.ts'
import type { DatabaseCounts } from '../workers/wrap/counted.ts'
import { setUp, type WorkerKey } from './catalogue.ts'
import { COUNTED, readCounts } from './counts.ts'
import { issueTokens, removals } from './requests.ts'
import { type Kind, type Rounds, runRounds } from './rounds.ts'
import { warmUp } from './warm.ts'

const POPULATION = 10_000
const ISOLATES = 3
/** Users invited at a time, small where each goes into a thousand groups. */
const CHUNKS = { 1: 48, 1000: 6 } as const
const PEOPLE = 200

interface Design {
  readonly title: string
  readonly worker: WorkerKey
  /** Beside the project's migrations. */
  readonly sql?: string
}

const DESIGNS: readonly Design[] = [
  { title: 'nothing else', worker: 'barestBatch' },
  { title: 'one statement more, for a report', worker: 'reportingBatch' },
  { title: 'a limit in time', worker: 'timedBatch' },
  { title: 'memberships by ON DELETE CASCADE', worker: 'batchOfTwo' },
  {
    title: 'memberships by a trigger',
    worker: 'batchOfTwo',
    sql: `CREATE TRIGGER organization_users_delete BEFORE DELETE ON organization_users BEGIN
      DELETE FROM group_members WHERE organization_user_id = OLD.id; END`,
  },
]

export type DesignSize = Readonly<Record<1 | 1000, Rounds>>

export interface DesignResult {
  readonly title: string
  readonly groups: number
  readonly summary: Summary
  readonly toBarest: Ratio
  readonly counts: DatabaseCounts
}

export async function measureDesigns(size: DesignSize): Promise<readonly DesignResult[]> {
  return withStage(
    {
      run: 'designs',
      databases: DESIGNS.map(({ title, sql }) => ({
        name: title,
        population: POPULATION,
        people: PEOPLE,
        ...(sql !== undefined && { sql }),
      })),
      workers: async ({ variables }) =>
        Promise.all(
          DESIGNS.flatMap(({ title, worker }) => [
            ...Array.from({ length: ISOLATES }, (_, index) =>
              setUp(worker, { name: nameOf(title, index), database: title, variables }),
            ),
            setUp(
              worker,
              { name: nameOf(title, 'counted'), database: title, variables },
              { wrapper: COUNTED },
            ),
          ]),
        ),
    },
    async ({ runtime, issuer, inviteTo }) => {
      const { administrator } = await issueTokens(issuer)
      const results: DesignResult[] = []
      for (const groups of [1, 1000] as const) {
        const chunk = CHUNKS[groups]
        const kinds: Kind[] = DESIGNS.map(({ title }) => ({
          name: title,
          origins: Array.from({ length: ISOLATES }, (_, index) =>
            runtime.originOf(nameOf(title, index)),
          ),
          status: 200,
          prepare: removals(inviteTo(title), administrator, groupIDs(groups)),
        }))
        await warmUp(kinds, size[groups].warmUp, chunk)
        const times = await runRounds(
          `designs, ${groups} groups`,
          kinds,
          size[groups].rounds,
          chunk,
        )
        const barest = times.get(DESIGNS[0]!.title)!
        for (const { name, prepare } of kinds) {
          results.push({
            title: name,
            groups,
            summary: summarize(times.get(name)!),
            toBarest: compare(times.get(name)!, barest),
            counts: await readCounts(runtime.originOf(nameOf(name, 'counted')), prepare),
          })
        }
      }
      return results
    },
  )
}

const nameOf = (title: string, isolate: number | 'counted') => `${title} #${isolate}`
