/**
 * docs/operations.md, the sections Watch and Change: the log, the queries, the probe, and what happens after a change.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSeed } from '../../dev/seeder.ts'
import { createKey } from '../../dev/test-keys.ts'
import { compare, readDatabase } from '../support/database'
import { createFixture } from '../support/fixture'
import { withBody } from '../support/jwks-responders'
import { call } from '../support/node/client'
import { foreignCases, serveForeignResponses } from '../support/node/foreign-responses'
import { serveIssuer } from '../support/node/jwks-server'
import { readCodeSpans, readDocument } from './document'
import { addRecord, createHarness } from './harness'

/** A log line with its members by path, as Workers Logs indexes them: `actor.subject`. */
type Line = Readonly<Record<string, unknown>>

const page = await readDocument('docs/operations.md')
const otherIssuer = await serveIssuer()
const { issuer, workers, db, tryToDelete, readLine, run } = await createHarness(({ JWKS_URL }) => [
  {},
  { name: 'without-keys', vars: { JWKS_URL: 'http://127.0.0.1:9/jwks' } },
  { name: 'unconfigured', vars: { TOKEN_ISSUER: '' } },
  { name: 'renamed', vars: { JWKS_URL: `${JWKS_URL}?2` } },
  { name: 'other-issuer', vars: { ...otherIssuer.vars } },
])
const { organizationID, target, auditor, administrator, administrators } = await createFixture(db)
const admin = administrator.person.subject

afterAll(() => otherIssuer.stop())

function flatten(line: object, prefix = ''): Line {
  const entries = Object.entries(line).map(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null
      ? flatten(value, `${prefix}${name}.`)
      : { [prefix + name]: value },
  )
  return Object.assign({}, ...entries) as Line
}

describe('the log', () => {
  let lines: Line[]

  beforeAll(async () => {
    const token = await issuer.token(admin)
    const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    await call(workers.url, { ...target, token, headers })
    await call(workers.url, { ...target, token })
    await call(workers.url, target)
    await call(workers.url, { ...target, token: await issuer.token(auditor.person.subject) })
    await call(workers.url, { path: '/', method: 'GET' })
    await readLine({ ...target, token }, workers.urlOf('without-keys'))
    lines = workers.log.map((text) => flatten(JSON.parse(text) as object))
  })

  test('has one line for each request, and one for keys that could not be fetched', () => {
    expect(lines.map(({ message, status }) => (message === 'request' ? status : message))).toEqual([
      200,
      404,
      401,
      403,
      404,
      'jwks_refresh_failed',
      500,
    ])
  })

  test('has the members that the page lists, and those listed as "always" in every request', () => {
    const requests = lines.filter(({ message }) => message === 'request')
    const { rows } = page.section('The request line').tables[0]!
    const described = rows.flatMap(([members = '']) => readCodeSpans(members))
    // Local D1 has no region, and only two reasons have frames.
    const written = [...requests.flatMap(Object.keys), 'frames', 'database.region']
    expect(new Set(described)).toEqual(new Set(written))
    const always = rows.filter(([, when]) => when === 'always').map(([member = '']) => member)
    const names = always.flatMap(readCodeSpans)
    for (const line of requests) expect(Object.keys(line)).toEqual(expect.arrayContaining(names))
  })

  const queries = page.section('Queries').tables[0]!.rows.map(([title = '', ...cells]) => {
    const [filters = [], calculations = [], groups = []] = cells.map(readCodeSpans)
    return {
      title,
      filters: filters.map((filter) => {
        const [key = '', operator = '', value = ''] = filter.split(' ')
        const ofFixture = value.replace('acme', organizationID)
        return { key, operator, value: JSON.parse(ofFixture) as string | number }
      }),
      numbers: calculations.flatMap((calculation) => calculation.split(' ').slice(1)),
      groups,
    }
  })
  const OPERATORS: Record<string, [name: string, (found: unknown, value: unknown) => boolean]> = {
    '=': ['eq', (found, value) => found === value],
    '>': ['gt', (found, value) => Number(found) > Number(value)],
    '>=': ['gte', (found, value) => Number(found) >= Number(value)],
    '<': ['lt', (found, value) => Number(found) < Number(value)],
  }
  const found: Record<string, unknown[]> = {
    'Refusals by reason': ['user_not_found', 'token_missing', 'not_permitted', 'route_not_found'],
    'Failures by reason': ['jwks_unavailable'],
    'Key refresh failures': ['fetch_failed'],
    'D1 retries': ['of a retry'],
    'Slow deletions': [200],
    'Who deleted users': [admin],
  }

  test.each(queries)('$title: the query finds its lines', ({ title, filters, numbers, groups }) => {
    const retried: Line = { ...lines[0], 'database.attempts': 2, status: 'of a retry' }
    const matching = [...lines, retried].filter((line) =>
      filters.every(({ key, operator, value }) => OPERATORS[operator]![1](line[key], value)),
    )
    const [group = 'status'] = groups
    expect(matching.map((line) => line[group])).toEqual(found[title])
    for (const key of numbers) expect(matching[0]![key]).toBeTypeOf('number')
  })

  test('the JSON for the API is the query of the table', () => {
    const { filters, groups } = queries.find(({ title }) => title === 'Failures by reason')!
    const service = { key: '$metadata.service', operator: '=', value: 'identity' }
    expect(JSON.parse(page.section('Queries').code[0]!.text)).toEqual({
      filters: [service, ...filters].map(({ key, operator, value }) => {
        return { key, operation: OPERATORS[operator]![0], type: typeof value, value }
      }),
      calculations: [{ operator: 'count' }],
      groupBys: groups.map((value) => ({ type: 'string', value })),
    })
  })

  test('the statement on the records finds who deleted users', async () => {
    const sql = page.section('Queries').code.at(-1)!.text
    const [row, ...others] = await run(sql.replace('acme', organizationID))
    expect(row).toMatchObject({ actor_kind: 'user', actor_subject: admin, deletions: 1 })
    expect(others).toEqual([])
  })
})

describe('the probe', () => {
  const { code } = page.section('Probe')
  const token = issuer.token('sub-of-the-probe')

  beforeAll(async () => void (await run(code[0]!.text)))

  /** Returns the exit code of the command. */
  async function probe(API = workers.url.origin, TOKEN?: string): Promise<number> {
    const env = { ...process.env, API, TOKEN: TOKEN ?? (await token) }
    return promisify(execFile)('sh', ['-c', code[1]!.text], { env }).then(
      () => 0,
      (error: { code: number }) => error.code,
    )
  }

  test('passes, and changes nothing in the database', async () => {
    const before = await readDatabase(db)
    expect(await probe()).toBe(0)
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
    const line = await vi.waitUntil(() => workers.log.find((text) => text.includes('-the-probe')))
    expect(JSON.parse(line)).toMatchObject({
      reason: 'user_not_found',
      actor: { subject: 'sub-of-the-probe' },
    })
  })

  test('fails without keys, configuration, a valid token, a role, a table, and a server', async () => {
    for (const name of ['without-keys', 'unconfigured']) {
      expect(await probe(workers.urlOf(name).origin)).toBe(1)
    }
    expect(await probe(workers.url.origin, 'token')).toBe(1)
    await run(`DELETE FROM group_roles WHERE group_id = 'probe'`)
    expect(await probe()).toBe(1)
    await run(`INSERT INTO group_roles VALUES ('probe', 'probe')`)
    await run('ALTER TABLE user_deletions RENAME TO elsewhere')
    expect(await probe()).toBe(1)
    await run('ALTER TABLE elsewhere RENAME TO user_deletions')
    expect(await probe()).toBe(0)
    expect(await probe('http://127.0.0.1:9')).toBe(1)
  })

  test('fails if the response is not from the Worker', async ({ onTestFinished }) => {
    const foreign = await serveForeignResponses()
    onTestFinished(() => foreign.stop())
    const codes = foreignCases.map((response) =>
      probe(`${foreign.origin}/api/v1/organizations/${response.organizationID}/users/u?`),
    )
    expect(new Set(await Promise.all(codes))).toEqual(new Set([1]))
  })
})

describe('a new issuer', () => {
  test('takes over all rights with the new subjects', async () => {
    const seed = createSeed()
    for (const subject of ['auth0|lin', 'auth0|grace']) {
      seed.member(organizationID, { groups: [administrators], personOptions: { subject } })
    }
    await seed.save(db)
    expect(await tryToDelete('auth0|lin', organizationID)).toBe(200)
    await run(page.section('A new issuer').code[0]!.text)
    expect(await tryToDelete('auth0|lin', organizationID)).toBe(401)
    expect(await tryToDelete('new|lin', organizationID)).toBe(200)
    expect(await tryToDelete('new|grace', organizationID)).toBe(200)
  })

  test('works beside the old one with a second Worker on the same database', async () => {
    const token = await otherIssuer.token(admin)
    expect((await call(workers.urlOf('other-issuer'), { ...target, token })).status).toBe(404)
    expect((await call(workers.url, { ...target, token })).status).toBe(401)
    expect(await tryToDelete(admin, organizationID)).toBe(200)
  })
})

test('a stolen key is trusted until the next refresh, or until JWKS_URL has another text', async () => {
  expect(await tryToDelete(admin, organizationID)).toBe(200)
  const { publicJWK } = await createKey('ES256')
  const { respond } = issuer.endpoint
  issuer.endpoint.respond = withBody(issuer.jwks([publicJWK]))
  expect(await tryToDelete(admin, organizationID)).toBe(200)
  const token = await issuer.token(admin)
  expect((await call(workers.urlOf('renamed'), { ...target, token })).status).toBe(401)
  issuer.endpoint.respond = respond
})

describe('retention', () => {
  const DAY_MS = 24 * 60 * 60 * 1_000

  test('the statement deletes what is older than 400 days, and reads little else', async () => {
    await run('DELETE FROM user_deletions')
    const add = (daysAgo: number, values = {}) =>
      addRecord(db, { deleted_at: Math.round(Date.now() - daysAgo * DAY_MS), ...values })
    await add(500, { idempotency_key: 'k' })
    for (const daysAgo of [401, 400.001]) await add(daysAgo)
    const recent = [await add(399.999), await add(1), await add(0)]
    const sql = page.section('Retention of deletion records').code[1]!.text
    const { meta } = await db.prepare(sql).run()
    const left = await run('SELECT id FROM user_deletions ORDER BY id')
    expect(left.map(({ id }) => id)).toEqual(recent)
    expect(meta.rows_read).toBe(3 * 4 + 1)
  })

  test('the IDs of the Worker begin with the time of the deletion', async () => {
    await run('DELETE FROM user_deletions')
    await tryToDelete(admin, organizationID)
    const [record] = await run('SELECT id, deleted_at AS time FROM user_deletions')
    const { id, time } = record as { id: string; time: number }
    const age = time - Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(1_000)
    expect(id[14]).toBe('7')
  })
})
