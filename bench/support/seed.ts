/**
 * Rows of a measurement: a population of any size, one organization whose users are deleted and invited again, and the
 * callers. The IDs of the population look like random UUIDs, as in production.
 */
import { join } from 'node:path'
import { readD1Migrations } from '@cloudflare/vitest-plugin'
import type { Database } from '../../dev/database.ts'
import { createSeed } from '../../dev/seeder.ts'
import { ROOT } from '../../dev/wrangler.ts'
import { startProgress } from './progress.ts'

/** The organization of all deletions. */
export const ORGANIZATION_ID = 'a3bb189e-8bf9-4888-9912-ace4e6543002'

/** Subjects of the callers. */
export const ADMINISTRATOR = 'subject-administrator'
export const AUDITOR = 'subject-auditor'

/** A user who is never deleted, for refusals. */
export const STAYING_USER_ID = '7d444840-9dc0-41d1-b245-5ffdce74fad2'

const MAX_GROUPS = 1000
const USERS_PER_ORGANIZATION = 1000
const GROUPS_PER_ORGANIZATION = 10
const STEP = 100_000

const groupIDs = (count: number): string =>
  JSON.stringify(
    Array.from({ length: count }, (_, index) => `0f8fad5b-d9cb-469f-a165-${70867728950 + index}a`),
  )

const NUMBERS = `WITH RECURSIVE numbers (i) AS
  (VALUES (?1) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?2)`

/** SQL of a text like a random UUID, made from a number: the same in each run. */
const scramble = (kind: string, number = 'i') =>
  `printf('%08x-${kind}-4000-8000-%012x', (${number}) * 2654435761 % 4294967296, ${number})`

/** Applies the project's migrations. */
export async function migrate(database: Database): Promise<void> {
  for (const { queries } of await readD1Migrations(join(ROOT, 'migrations'))) {
    await database.batch(queries.map((query) => database.prepare(query)))
  }
}

/**
 * Fills a migrated database.
 *
 * @param population number of users, each in one organization and one group
 * @param people number of global users who can be invited at the same time
 */
export async function seed(database: Database, population: number, people: number): Promise<void> {
  await addPopulation(database, population)
  const rows = createSeed()
  const organization = rows.organization(ORGANIZATION_ID)
  for (const [subject, role] of [
    [ADMINISTRATOR, 'administrator'],
    [AUDITOR, 'auditor'],
  ] as const) {
    const groups = [rows.group(organization, [role])]
    rows.member(organization, { groups, personOptions: { subject } })
  }
  rows.member(organization, { id: STAYING_USER_ID })
  await rows.save(database)
  await database.batch([
    database
      .prepare(`INSERT INTO groups SELECT value, ?2, 'g' FROM json_each(?1)`)
      .bind(groupIDs(MAX_GROUPS), organization),
    database
      .prepare(
        `${NUMBERS} INSERT INTO users SELECT 'person-' || i, 'p-' || i, 'active' FROM numbers`,
      )
      .bind(0, people),
  ])
}

async function addPopulation(database: Database, population: number): Promise<void> {
  const organizations = Math.max(1, Math.ceil(population / USERS_PER_ORGANIZATION))
  const organization = scramble('0004', `i % ${organizations}`)
  const group = (which: string | number) =>
    scramble('0005', `i % ${organizations} * ${GROUPS_PER_ORGANIZATION} + ${which}`)
  const run = (from: number, to: number, statements: readonly string[]) =>
    database.batch(statements.map((sql) => database.prepare(`${NUMBERS} ${sql}`).bind(from, to)))
  await run(0, organizations, [
    `INSERT INTO organizations SELECT ${organization}, 'organization' FROM numbers`,
    ...Array.from({ length: GROUPS_PER_ORGANIZATION }, (_, index) => group(index)).map(
      (id) => `INSERT INTO groups SELECT ${id}, ${organization}, 'group' FROM numbers`,
    ),
  ])
  const title = `adding ${population.toLocaleString('en')} users`
  const update = population > STEP ? startProgress(title, population) : () => {}
  for (let from = 0; from < population; from += STEP) {
    const to = Math.min(population, from + STEP)
    await run(from, to, [
      `INSERT INTO users SELECT ${scramble('0001')}, ${scramble('0002')}, 'active'
       FROM numbers ORDER BY 1`,
      `INSERT INTO organization_users
       SELECT ${scramble('0003')}, ${organization}, ${scramble('0001')}, 'active'
       FROM numbers ORDER BY 1`,
      `INSERT INTO group_members
       SELECT ${organization}, ${group(`i / ${organizations} % ${GROUPS_PER_ORGANIZATION}`)},
         ${scramble('0003')} FROM numbers ORDER BY 3`,
    ])
    update(to)
  }
}

/** Invites people into the organization and into a number of groups. Returns the IDs of the new users. */
export type Invite = (count: number, groups: number) => Promise<string[]>

/** Invites people in turn. A person can be invited again when the former user is deleted. */
export function createInvite(database: Database, people: number): Invite {
  let next = 0
  return async (count, groups) => {
    const ids = Array.from({ length: count }, () => crypto.randomUUID())
    const idList = JSON.stringify(ids)
    const first = next
    next = (next + count) % people
    await database.batch([
      database
        .prepare(
          `INSERT INTO organization_users
           SELECT value, ?2, 'person-' || ((key + ?3) % ?4), 'active' FROM json_each(?1)`,
        )
        .bind(idList, ORGANIZATION_ID, first, people),
      database
        .prepare(
          `INSERT INTO group_members
           SELECT ?3, g.value, u.value FROM json_each(?1) u, json_each(?2) g`,
        )
        .bind(idList, groupIDs(groups), ORGANIZATION_ID),
    ])
    return ids
  }
}
