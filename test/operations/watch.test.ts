/**
 * The log as docs/operations.md describes it, compared with lines of a real Worker: the members, and the lines that each
 * query finds.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture, type Fixture } from '../support/fixture'
import { readCodeSpans, readDocument, type Section } from './document'
import { flatten, select, findFaults, type Line, type Query } from './log-query'

let document: Section
let issuer: ServedIssuer
let workers: LocalWorkers
let fixture: Fixture
let lines: Line[]

beforeAll(async () => {
  document = (await readDocument('docs/operations.md')).section('Watch')
  issuer = await serveIssuer()
  const withoutKeys = { ...issuer.vars, JWKS_URL: 'http://127.0.0.1:9/jwks' }
  const identity = [
    { name: 'identity', vars: { ...issuer.vars } },
    { name: 'without-keys', vars: withoutKeys },
  ]
  workers = await startWorkers({ identity })
  fixture = await createFixture(workers.db)
  const { target, auditor, administrator } = fixture
  const token = await issuer.token(administrator.person.subject)
  const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  await call(workers.url, { ...target, token, headers })
  await call(workers.url, { ...target, token })
  await call(workers.url, target)
  await call(workers.url, { ...target, token: await issuer.token(auditor.person.subject) })
  await call(workers.url, { path: '/', method: 'GET' })
  await call(workers.urlOf('without-keys'), { ...target, token })
  lines = workers.log.map((text) => flatten(JSON.parse(text) as object))
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** The first code block under a heading, as a query. */
function readQuery(heading: string): Query {
  return JSON.parse(document.section(heading).code[0]!.text) as Query
}

/** The values of one member in the lines that a query picks. */
function pick(heading: string, member: string, from = lines): unknown[] {
  return select(readQuery(heading), from).map((line) => line[member])
}

test('the lines have the members that the document says, with its words for when', () => {
  const requests = lines.filter(({ message }) => message === 'request')
  const written = new Set(requests.flatMap((line) => Object.keys(line)))
  const described = document
    .section('The request line')
    .tables[0]!.rows.map(([member = '']) => readCodeSpans(member)[0])
  // Local D1 has no region, and frames are written for two reasons only.
  expect(new Set(described)).toEqual(new Set([...written, 'frames', 'database.region']))
  const always = document
    .section('The request line')
    .tables[0]!.rows.filter(([, when]) => when === 'always')
    .map(([member = '']) => readCodeSpans(member)[0]!)
  for (const line of requests) expect(Object.keys(line)).toEqual(expect.arrayContaining(always))
})

describe('the queries', () => {
  test('each asks for members that the lines have, as the type that they have', () => {
    const headings = document.section('Queries').headings
    expect(headings.length).toBeGreaterThan(0)
    for (const heading of headings) {
      const faults = findFaults(readQuery(heading), lines)
      expect({ heading, faults }).toEqual({ heading, faults: [] })
    }
  })

  test.each([
    [
      'Refusals by reason',
      'reason',
      ['user_not_found', 'token_missing', 'not_permitted', 'route_not_found'],
    ],
    ['Failures by reason', 'reason', ['jwks_unavailable']],
    ['Outage of keys', 'cause', ['fetch_failed']],
    ['Slow deletions', 'status', [200]],
  ])('%s', (heading, member, found) => {
    expect(pick(heading, member)).toEqual(found)
  })

  test('D1 retries: none here; a line that says so would be found', () => {
    expect(pick('D1 retries', 'status')).toEqual([])
    const retried = lines.map((line) =>
      line['database.attempts'] === 1 ? { ...line, 'database.attempts': 2 } : line,
    )
    expect(pick('D1 retries', 'status', retried)).toEqual([200, 404, 403])
  })

  test('who deleted users of an organization', () => {
    const heading = 'Who deleted users of an organization'
    const text = document
      .section(heading)
      .code[0]!.text.replace('"acme"', `"${fixture.organizationID}"`)
    const found = select(JSON.parse(text) as Query, lines)
    expect(found.map((line) => line['actor.subject'])).toEqual([
      fixture.administrator.person.subject,
    ])
    expect(pick(heading, 'actor.subject')).toEqual([])
  })

  test('the statement on the records finds the same', async () => {
    const [, block] = document.section('Who deleted users of an organization').code
    const sql = block!.text.replace("'acme'", `'${fixture.organizationID}'`)
    const { results } = await workers.db.prepare(sql).all()
    expect(results).toEqual([
      {
        actor_kind: 'user',
        actor_subject: fixture.administrator.person.subject,
        deletions: 1,
        latest: expect.any(Number) as number,
      },
    ])
  })
})
