/** The caller of better-auth: signs up through its API and owns an organization whose members are removed. */
import { DatabaseSync } from 'node:sqlite'
import { getMigrations } from 'better-auth/db/migration'
import { createOptions } from '../workers/better-auth.ts'
import { type RequestSpec, send } from './client.ts'
import { applySQL } from './seed.ts'

export const BETTER_AUTH_SECRET = 'only-for-measurements-0123456789abcdef'

const { baseURL } = createOptions(undefined, BETTER_AUTH_SECRET)
const HEADERS = { 'Content-Type': 'application/json', Origin: baseURL }

const post = (path: string, body: unknown, cookie: string): RequestSpec => ({
  method: 'POST',
  path: `/api/auth${path}`,
  headers: { ...HEADERS, Cookie: cookie },
  body: JSON.stringify(body),
})

/** Makes better-auth's tables by its own migrations. */
export async function migrateBetterAuth(database: D1Database): Promise<void> {
  const empty = new DatabaseSync(':memory:')
  const { compileMigrations } = await getMigrations(createOptions(empty, BETTER_AUTH_SECRET))
  await applySQL(database, await compileMigrations())
}

/** Signs up and creates an organization with one team. Makes requests that each remove one member. */
export async function startSession(
  origin: string,
  database: D1Database,
): Promise<(count: number) => Promise<RequestSpec[]>> {
  const run = async (path: string, body: unknown, cookie = '') => {
    const response = await send(origin, post(path, body, cookie))
    if (response.status !== 200) throw new Error(`better-auth ${path}: ${response.text}`)
    return response
  }
  const owner = { email: 'owner@example.com', password: 'correct horse battery staple' }
  const signUp = await run('/sign-up/email', { name: 'owner', ...owner })
  const cookies = [signUp.headers['set-cookie'] ?? []].flat()
  const cookie = cookies.map((line) => line.split(';')[0]).join('; ')
  const created = await run('/organization/create', { name: 'owner', slug: 'measured' }, cookie)
  const { id: organizationId } = JSON.parse(created.text) as { id: string }
  const teamID = await database.prepare('SELECT id FROM team').first<string>('id')
  if (teamID === null) throw new Error('better-auth created no team')
  return async (count) => {
    const ids = Array.from({ length: count }, () => crypto.randomUUID())
    const insert = (sql: string, parent: string) =>
      database.prepare(sql).bind(JSON.stringify(ids), parent, new Date().toISOString())
    await database.batch([
      insert(
        `INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt)
         SELECT 'u' || value, 'person', value || '@example.com', 1, ?3, ?3 FROM json_each(?1)`,
        organizationId,
      ),
      insert(
        `INSERT INTO member (id, organizationId, userId, role, createdAt)
         SELECT value, ?2, 'u' || value, 'member', ?3 FROM json_each(?1)`,
        organizationId,
      ),
      insert(
        `INSERT INTO teamMember (id, teamId, userId, createdAt)
         SELECT 't' || value, ?2, 'u' || value, ?3 FROM json_each(?1)`,
        teamID,
      ),
    ])
    return ids.map((memberIdOrEmail) =>
      post('/organization/remove-member', { memberIdOrEmail, organizationId }, cookie),
    )
  }
}
