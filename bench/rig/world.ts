/**
 * What the databases of a measurement hold: a population of any size, one organization whose users are deleted and
 * invited again all the time, and the callers. IDs look and spread like random UUIDs, since that is what indexes meet.
 */
import type { DatabaseSync } from 'node:sqlite'

/** The organization that deletions happen in. */
export const ORGANIZATION_ID = 'a3bb189e-8bf9-4888-9912-ace4e6543002'
export const STAFF_GROUP_ID = group(0)

/** Subjects of the callers. */
export const ADMINISTRATOR = 'subject-administrator'
export const AUDITOR = 'subject-auditor'
/** The administrator who is in as many groups as the number says; only the last of them carries the role. */
export const administratorIn = (groups: number): string => `subject-administrator-${groups}`
export const CALLER_GROUPS = [1, 10, 100] as const

/** A user who stays, for requests that delete nobody. */
export const STAYING_USER_ID = '7d444840-9dc0-41d1-b245-5ffdce74fad2'

const MOST_GROUPS = 1000
const USERS_OF_AN_ORGANIZATION = 1000
const GROUPS_OF_AN_ORGANIZATION = 10
const BATCH = 50_000

function group(index: number): string {
  return `0f8fad5b-d9cb-469f-a165-${(0x70867728950e + index).toString(16)}`
}

/** The IDs of the first groups of the organization: what a target that is in so many groups is put into. */
export function groupIDs(count: number): string[] {
  return Array.from({ length: count }, (_, index) => group(index))
}

/** A text like a random UUID out of a number, the same at each run. */
const scramble = (kind: string, number = 'i') =>
  `printf('%08x-${kind}-4000-8000-%012x', (${number}) * 2654435761 % 4294967296, ${number})`

const NUMBERS = `WITH RECURSIVE numbers (i) AS
  (VALUES (?1) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?2)`

/**
 * Fills a migrated database.
 *
 * @param population how many users, each in one organization and one group, besides the callers and the people
 * @param people how many global users can be invited as targets at the same time
 */
export function fillWorld(
  database: DatabaseSync,
  population: number,
  people: number,
  onProgress: (users: number) => void = () => {},
): void {
  fillPopulation(database, population, onProgress)
  database.exec('BEGIN')
  run(database, `INSERT INTO organizations VALUES (?1, 'Measured')`, ORGANIZATION_ID)
  const addGroup = database.prepare(`INSERT INTO groups VALUES (?1, ?2, 'measured')`)
  for (const id of groupIDs(MOST_GROUPS)) addGroup.run(id, ORGANIZATION_ID)
  run(
    database,
    `${NUMBERS} INSERT INTO users SELECT printf('person-%06d', i), printf('subject-person-%06d', i), 'active'
     FROM numbers`,
    0,
    people,
  )
  addCaller(database, ADMINISTRATOR, ['administrator'])
  addCaller(database, AUDITOR, ['auditor'])
  for (const groups of CALLER_GROUPS) {
    const roles = Array.from({ length: groups - 1 }, () => 'user')
    addCaller(database, administratorIn(groups), [...roles, 'administrator'])
  }
  run(database, `INSERT INTO users VALUES ('staying', 'subject-staying', 'active')`)
  run(
    database,
    `INSERT INTO organization_users VALUES (?1, ?2, 'staying', 'active')`,
    STAYING_USER_ID,
    ORGANIZATION_ID,
  )
  database.exec('COMMIT')
}

/** A caller who is in one group for each of the roles. */
function addCaller(database: DatabaseSync, subject: string, roles: readonly string[]): void {
  run(database, `INSERT INTO users VALUES (?1, ?1, 'active')`, subject)
  run(
    database,
    `INSERT INTO organization_users VALUES ('member-' || ?1, ?2, ?1, 'active')`,
    subject,
    ORGANIZATION_ID,
  )
  for (const [index, role] of roles.entries()) {
    const groupID = `${subject}-group-${String(index).padStart(3, '0')}`
    run(database, `INSERT INTO groups VALUES (?1, ?2, 'callers')`, groupID, ORGANIZATION_ID)
    run(database, `INSERT INTO group_roles VALUES (?1, ?2)`, groupID, role)
    run(
      database,
      `INSERT INTO group_members VALUES (?1, ?2, 'member-' || ?3)`,
      ORGANIZATION_ID,
      groupID,
      subject,
    )
  }
}

function fillPopulation(
  database: DatabaseSync,
  population: number,
  onProgress: (users: number) => void,
): void {
  const organizations = Math.max(1, Math.ceil(population / USERS_OF_AN_ORGANIZATION))
  const organizationOf = scramble('0004', `i % ${organizations}`)
  const groupOf = (which: string) =>
    scramble('0005', `i % ${organizations} * ${GROUPS_OF_AN_ORGANIZATION} + ${which}`)
  const perBatch = [
    `INSERT INTO users SELECT ${scramble('0001')}, ${scramble('0002')}, 'active' FROM numbers ORDER BY 1`,
    `INSERT INTO organization_users
     SELECT ${scramble('0003')}, ${organizationOf}, ${scramble('0001')}, 'active' FROM numbers ORDER BY 1`,
    `INSERT INTO group_members
     SELECT ${organizationOf}, ${groupOf(`i / ${organizations} % ${GROUPS_OF_AN_ORGANIZATION}`)},
       ${scramble('0003')} FROM numbers ORDER BY 3`,
  ]
  database.exec('BEGIN')
  run(
    database,
    `${NUMBERS} INSERT INTO organizations SELECT ${organizationOf}, 'organization' FROM numbers`,
    0,
    organizations,
  )
  for (let index = 0; index < GROUPS_OF_AN_ORGANIZATION; index++) {
    run(
      database,
      `${NUMBERS} INSERT INTO groups SELECT ${groupOf(`${index}`)}, ${organizationOf}, 'group' FROM numbers`,
      0,
      organizations,
    )
  }
  database.exec('COMMIT')
  for (let from = 0; from < population; from += BATCH) {
    const to = Math.min(population, from + BATCH)
    database.exec('BEGIN')
    for (const statement of perBatch) run(database, `${NUMBERS} ${statement}`, from, to)
    database.exec('COMMIT')
    onProgress(to)
  }
}

function run(database: DatabaseSync, sql: string, ...values: (string | number)[]): void {
  database.prepare(sql).run(...values)
}

/** Invites so many of the people into the organization and into the groups, and gives the IDs of the new users. */
export type Invite = (count: number, groups: readonly string[]) => Promise<string[]>

/**
 * Invites people in turn. One can be invited again once the user that it was has been removed, so fewer users than
 * there are people may be there at a time.
 */
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
           SELECT value, ?2, printf('person-%06d', (key + ?3) % ?4), 'active' FROM json_each(?1)`,
        )
        .bind(idList, ORGANIZATION_ID, first, people),
      database
        .prepare(
          `INSERT INTO group_members
           SELECT ?3, g.value, u.value FROM json_each(?1) u, json_each(?2) g`,
        )
        .bind(idList, JSON.stringify(groups), ORGANIZATION_ID),
    ])
    return ids
  }
}
