/**
 * The caller of better-auth: signs up through its own API, owns an organization there, and its members are removed.
 * Its tables are made by its own migrations.
 */
import { DatabaseSync } from 'node:sqlite'
import { getMigrations } from 'better-auth/db/migration'
import { BASE_URL, createOptions } from '../workers/better-auth/options.ts'
import { type RequestSpec, send } from './client.ts'

export const BETTER_AUTH_SECRET = 'only-for-measurements-0123456789abcdef'

/** Makes better-auth's tables in an empty database file. */
export async function migrateBetterAuth(file: string): Promise<void> {
  const database = new DatabaseSync(file)
  const { runMigrations } = await getMigrations(createOptions(database, BETTER_AUTH_SECRET))
  await runMigrations()
  database.close()
}

export interface Session {
  /** Requests that each remove one member of one team; the members are made here, by plain SQL. */
  readonly prepare: (count: number) => Promise<RequestSpec[]>
}

/** Signs up, makes an organization with one team, and prepares the people who will be its members. */
export async function startSession(
  origin: string,
  database: D1Database,
  people: number,
): Promise<Session> {
  const headers = { 'Content-Type': 'application/json', Origin: BASE_URL }
  const post = async (path: string, body: unknown, cookie = '') => {
    const answer = await send(origin, {
      method: 'POST',
      path: `/api/auth${path}`,
      headers: { ...headers, Cookie: cookie },
      body: JSON.stringify(body),
    })
    if (answer.status !== 200) throw new Error(`better-auth ${path}: ${answer.text}`)
    return answer
  }
  const name = 'owner'
  const signedUp = await post('/sign-up/email', {
    name,
    email: 'owner@example.com',
    password: 'correct horse battery staple',
  })
  const cookie = [signedUp.headers['set-cookie'] ?? []]
    .flat()
    .map((line) => line.split(';')[0])
    .join('; ')
  const created = await post('/organization/create', { name, slug: 'measured' }, cookie)
  const { id: organizationId } = JSON.parse(created.text) as { id: string }
  const teams = await database.prepare('SELECT id FROM team').all<{ id: string }>()
  const teamID = teams.results[0]?.id
  if (teamID === undefined) throw new Error('better-auth made no team')
  await database
    .prepare(
      `WITH RECURSIVE numbers (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < ?1)
       INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt)
       SELECT printf('person-%06d', i), 'person', printf('person-%06d@example.com', i), 1, ?2, ?2 FROM numbers`,
    )
    .bind(people, new Date().toISOString())
    .run()
  return {
    async prepare(count) {
      const ids = Array.from({ length: count }, () => crypto.randomUUID())
      const now = new Date().toISOString()
      await database.batch([
        database
          .prepare(
            `INSERT INTO member (id, organizationId, userId, role, createdAt)
             SELECT value, ?2, printf('person-%06d', key), 'member', ?3 FROM json_each(?1)`,
          )
          .bind(JSON.stringify(ids), organizationId, now),
        database
          .prepare(
            `INSERT INTO teamMember (id, teamId, userId, createdAt)
             SELECT 'team-' || value, ?2, printf('person-%06d', key), ?3 FROM json_each(?1)`,
          )
          .bind(JSON.stringify(ids), teamID, now),
      ])
      return ids.map((memberIdOrEmail) => ({
        method: 'POST',
        path: '/api/auth/organization/remove-member',
        headers: { ...headers, Cookie: cookie },
        body: JSON.stringify({ memberIdOrEmail, organizationId }),
      }))
    },
  }
}
