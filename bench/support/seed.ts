/**
 * Fills a database: a population of any size, one organization whose users are deleted and invited again, and the
 * callers. IDs look like random UUIDs, since indexes meet such IDs in production.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unstable_splitSqlQuery } from 'wrangler'
import { ROOT } from '../../dev/wrangler.ts'
import { startProgress } from './progress.ts'

/** The organization of all deletions. */
export const ORGANIZATION_ID = 'a3bb189e-8bf9-4888-9912-ace4e6543002'

/** Subjects of the callers. */
export const ADMINISTRATOR = 'subject-administrator'
export const AUDITOR = 'subject-auditor'
/** An administrator in so many groups. Only the last group has the role. */
export const administratorIn = (groups: number): string => `subject-administrator-${groups}`
export const CALLER_GROUPS = [1, 10, 100] as const

/** A user who is never deleted, for refusals. */
export const STAYING_USER_ID = '7d444840-9dc0-41d1-b245-5ffdce74fad2'

const MAX_GROUPS = 1000
const USERS_PER_ORGANIZATION = 1000
const GROUPS_PER_ORGANIZATION = 10
const STEP = 100_000

const groupID = (index: number): string =>
  `0f8fad5b-d9cb-469f-a165-${(0x70867728950e + index).toString(16)}`

const groupIDs = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, index) => groupID(index)))

const NUMBERS = `WITH RECURSIVE numbers (i) AS
  (VALUES (?1) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?2)`

/** SQL of a text like a random UUID, made from a number: the same in each run. */
const scramble = (kind: string, number = 'i') =>
  `printf('%08x-${kind}-4000-8000-%012x', (${number}) * 2654435761 % 4294967296, ${number})`

/** Applies SQL of several statements, in one transaction. */
export async function applySQL(database: D1Database, sql: string): Promise<void> {
  await database.batch(unstable_splitSqlQuery(sql).map((text) => database.prepare(text)))
}

/** Applies the project's migrations. */
export async function migrate(database: D1Database): Promise<void> {
  const folder = join(ROOT, 'migrations')
  for (const name of readdirSync(folder).toSorted()) {
    if (name.endsWith('.sql')) await applySQL(database, readFileSync(join(folder, name), 'utf8'))
  }
}

/**
 * Fills a migrated database.
 *
 * @param population number of users, each in one organization and one group
 * @param people number of global users who can be invited at the same time
 */
export async function seed(
  database: D1Database,
  population: number,
  people: number,
): Promise<void> {
  await addPopulation(database, population)
  const organization = ORGANIZATION_ID
  const statements: D1PreparedStatement[] = []
  const add = (sql: string, ...values: (string | number)[]) =>
    statements.push(database.prepare(sql).bind(...values))
  const addMember = (id: string, subject: string) => {
    add(`INSERT INTO users VALUES (?1, ?1, 'active')`, subject)
    add(`INSERT INTO organization_users VALUES (?1, ?2, ?3, 'active')`, id, organization, subject)
  }
  const addCaller = (subject: string, roles: readonly string[]) => {
    const member = `member-${subject}`
    addMember(member, subject)
    for (const [index, role] of roles.entries()) {
      const group = `${subject}-group-${String(index).padStart(3, '0')}`
      add(`INSERT INTO groups VALUES (?1, ?2, 'callers')`, group, organization)
      add(`INSERT INTO group_roles VALUES (?1, ?2)`, group, role)
      add(`INSERT INTO group_members VALUES (?1, ?2, ?3)`, organization, group, member)
    }
  }
  add(`INSERT INTO organizations VALUES (?1, 'Measured')`, organization)
  const groups = groupIDs(MAX_GROUPS)
  add(`INSERT INTO groups SELECT value, ?2, 'g' FROM json_each(?1)`, groups, organization)
  add(
    `${NUMBERS} INSERT INTO users SELECT 'person-' || i, 'p-' || i, 'active' FROM numbers`,
    0,
    people,
  )
  addCaller(ADMINISTRATOR, ['administrator'])
  addCaller(AUDITOR, ['auditor'])
  for (const count of CALLER_GROUPS) {
    const others = Array.from({ length: count - 1 }, () => 'user')
    addCaller(administratorIn(count), [...others, 'administrator'])
  }
  addMember(STAYING_USER_ID, 'subject-staying')
  await database.batch(statements)
}

async function addPopulation(database: D1Database, population: number): Promise<void> {
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
  const progress = population > STEP ? startProgress(title, population) : undefined
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
    progress?.update(to)
  }
  progress?.stop()
}

/** Invites so many people into the organization and into so many groups. Gives the IDs of the new users. */
export type Invite = (count: number, groups: number) => Promise<string[]>

/** Invites people in turn. A person can be invited again when the former user is deleted. */
export function createInvite(database: D1Database, people: number): Invite {
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
