/**
 * Beyond one database: what one carries, by the kept measurements, and the load of a skewed population of organizations on
 * 1, 10 and 100. The tables are parts of docs/scaling.md.
 */
import { sum } from 'simple-statistics'
import type { Sections } from '../measure/sections.ts'
import { buildWorker } from '../measure/workers.ts'
import { formatCount, formatMs, makeTable, type Table } from '../report/tables.ts'
import { startRuntime, workerOf } from '../support/runtime.ts'
import { migrate, ORGANIZATION_ID, seed } from '../support/seed.ts'
import * as model from './model.ts'

const DATABASES = [1, 10, 100]
const TOLERANCE = 0.1
const DAY_S = 24 * 60 * 60
const YEAR_S = 365 * DAY_S
const MAX_BYTES = 10e9
/** How full a database may be: an import or a new index needs space. */
const FULL = 0.8
/** How busy a database may be in its busiest hour: above, waiting grows faster than load. */
const BUSY = 0.6
const SEEDED_USERS = 200_000

const formatShare = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
const formatRounded = (count: number): string => formatCount(Number(count.toPrecision(2)))

const list = (head: string, rows: readonly (readonly [string, string])[]): Table =>
  makeTable('', head, rows, (row) => row)

/** The tables by the name of their part. */
export async function simulateScaling({
  alternatives: { summaries, concurrent },
}: Sections): Promise<Readonly<Record<string, Table>>> {
  const a = model.ASSUMPTIONS
  const bytes = await measureBytes()
  const organizations = model.createOrganizations()
  const totalUsers = sum(organizations)
  const meanUsers = totalUsers / organizations.length
  const largest = organizations.toSorted((one, other) => other - one)
  const largestShare = sum(largest.slice(0, organizations.length / 100)) / totalUsers
  const beyondRefusal = (name: string) => summaries[name]!.p50 - summaries['refused token']!.p50
  const [deletionMs, questionMs] = [beyondRefusal('deletion'), beyondRefusal('no permission')]
  const peakDeletions = (users: number) => ((users * a.yearlyDeletions) / YEAR_S) * a.peakFactor
  const peakQuestions = (users: number) => ((users * a.dailyQuestions) / DAY_S) * a.peakFactor
  const bytesOfUser = model.bytesOfUser(bytes)
  const formatBytes = (users: number) => `${((users * bytesOfUser) / 1e9).toFixed(2)} GB`
  const maxUsers = (MAX_BYTES * FULL) / bytesOfUser
  const divisions = DATABASES.map((databases) => {
    const places = model.spread(organizations, databases)
    const levelled = model.level(organizations, places, databases, TOLERANCE)
    const fullest = Math.max(...model.countUsers(organizations, places, databases))
    const busiest = Math.max(...model.countUsers(organizations, levelled.places, databases))
    return { databases, fullest, busiest, levelled }
  })
  return {
    'scaling-one': list('one database|value', [
      [
        'bytes of a person, its user record in one organization, one membership',
        formatCount(bytes.user),
      ],
      ['bytes of one more membership', formatCount(bytes.membership)],
      ['bytes of a deletion record', formatCount(bytes.record)],
      [`users, at ${formatShare(FULL)} of ${MAX_BYTES / 1e9} GB`, formatRounded(maxUsers)],
      ['organizations of the population below', formatRounded(maxUsers / meanUsers)],
      ['time that a deletion keeps the database, measured', `${formatMs(deletionMs)} ms`],
      ['time that a refusal keeps it, measured', `${formatMs(questionMs)} ms`],
      [
        'deletions a second, 16 at once, measured with Worker and caller',
        formatCount(concurrent['deletion']!.throughput),
      ],
      [
        `deletions a second, if busy ${formatShare(BUSY)} of the time`,
        formatRounded((1000 / deletionMs) * BUSY),
      ],
      [
        'deletions a second that so many users cause in the busiest hour',
        peakDeletions(maxUsers).toFixed(2),
      ],
    ]),
    'scaling-assumptions': list('assumption|value', [
      ['organizations', formatCount(a.organizations)],
      [
        'users of one organization',
        `${a.smallest} to ${formatCount(a.largest)}, Pareto, shape ${a.paretoShape}`,
      ],
      ['users in total', formatCount(totalUsers)],
      ['share of the largest hundredth of the organizations', formatShare(largestShare)],
      ['groups of a user', String(a.groupsOfUser)],
      ['users deleted in a year', formatShare(a.yearlyDeletions)],
      ['years for which deletion records are kept', String(a.recordYears)],
      ['busiest hour, against the average', `${a.peakFactor} ×`],
      ['questions of other Workers about a user, a day', String(a.dailyQuestions)],
      ['seed', String(a.seed)],
    ]),
    'scaling-divisions': makeTable(
      '',
      'databases|mean|fullest, by hash|after moves|moves|users moved|requests a second|busy',
      divisions,
      ({ databases, fullest, busiest, levelled }) => {
        const [deletions, questions] = [peakDeletions(busiest), peakQuestions(busiest)]
        return [
          formatCount(databases),
          ...[totalUsers / databases, fullest, busiest].map(formatBytes),
          ...[levelled.moved, levelled.movedUsers, deletions + questions].map(formatCount),
          formatShare((deletions * deletionMs + questions * questionMs) / 1000),
        ]
      },
    ),
  }
}

/** Fills a database and reads its size. */
async function measureBytes(): Promise<model.RowBytes> {
  const { script } = await buildWorker('nothing')
  const runtime = await startRuntime([workerOf('seeder', script, { d1Databases: ['DB'] })])
  try {
    const database = await runtime.databaseOf('seeder')
    const measureSize = async (sql = 'SELECT 1') =>
      (await database.prepare(sql).run()).meta.size_after
    await migrate(database)
    const empty = await measureSize()
    await seed(database, SEEDED_USERS, 0)
    const filled = await measureSize()
    const inTwoGroups = await measureSize(`INSERT INTO group_members
      SELECT organization_id, (SELECT id FROM groups
        WHERE organization_id = m.organization_id AND id <> m.group_id), organization_user_id
      FROM group_members m WHERE organization_id <> '${ORGANIZATION_ID}'`)
    const withRecords = await measureSize(`INSERT INTO user_deletions (id, organization_id,
        organization_user_id, user_id, actor_kind, actor_subject, groups_removed, request_id,
        idempotency_key, deleted_at)
      SELECT printf('%08x-%04x-7000-8000-%012x', row_number() OVER () / 65536,
          row_number() OVER () % 65536, abs(random()) % 281474976710656),
        organization_id, id, user_id, 'user', 'auth0|5f7c8ec7c33c6c004bbafe82', 1,
        '7d444840-9dc0-41d1-b245-5ffdce74fad2', NULL, 1795600000000
      FROM organization_users LIMIT ${SEEDED_USERS}`)
    return {
      user: (filled - empty) / SEEDED_USERS,
      membership: (inTwoGroups - filled) / SEEDED_USERS,
      record: (withRecords - inTwoGroups) / SEEDED_USERS,
    }
  } finally {
    await runtime.stop()
  }
}
