/**
 * One search of the log finds every line of a request, whichever Workers and transports it has passed: by its request ID, and by
 * its W3C trace ID.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startConsole, type Console } from './console'
import { fetchOver, httpTo, deleteUserOver, type Transport } from './transports'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`

type Line = Readonly<Record<string, unknown>>

let example: Console

beforeAll(async () => {
  example = await startConsole()
})

afterAll(() => example.stop())

/** All lines of any Worker that hold a text, once there are so many. */
function search(text: string, count: number): Promise<Line[]> {
  return vi.waitFor(
    () => {
      const found = example.workers.log.filter((line) => line.includes(text))
      expect(found).toHaveLength(count)
      return found.map((line) => JSON.parse(line) as Line)
    },
    { timeout: 5_000, interval: 5 },
  )
}

/** A request of an administrator for a new user. */
async function createRequest() {
  const { organizationID, administrator } = example.fixture
  const [userID = ''] = await example.addPeople('a')
  return { token: await example.issuer.token(administrator.person.subject), organizationID, userID }
}

const transports: [title: string, open: () => Transport][] = [
  ['HTTP', () => httpTo(example.workers.url)],
  [
    'deleteUser over the binding',
    () => deleteUserOver(example.workers.urlOf('caller'), 'IDENTITY'),
  ],
  ['fetch over the binding', () => fetchOver(example.workers.urlOf('caller'), 'IDENTITY')],
]

describe.each(transports)('through %s', (_, open) => {
  test('the request ID and the trace ID are those of the caller', async () => {
    const requestID = crypto.randomUUID()
    const request = { ...(await createRequest()), requestID, traceparent: TRACEPARENT }
    expect(await open()(request)).toEqual({ ok: true })
    const [line] = await search(requestID, 1)
    expect(line).toMatchObject({ requestID, traceID: TRACE_ID, status: 200 })
    const record = await example.workers.db
      .prepare('SELECT organization_user_id FROM user_deletions WHERE request_id = ?')
      .bind(requestID)
      .first('organization_user_id')
    expect(record).toBe(request.userID)
  })

  test.each([
    ['too long', 'r'.repeat(129), TRACEPARENT.replace('00-', '00')],
    ['with other characters', 'two/words', TRACEPARENT.toUpperCase()],
    ['of zeros', '', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ])('ones that are not of the form do not count: %s', async (_, requestID, traceparent) => {
    const request = { ...(await createRequest()), requestID, traceparent }
    expect(await open()(request)).toEqual({ ok: true })
    const [line] = await search(request.userID, 1)
    expect(line?.['requestID']).toMatch(/^[\w-]{36}$/)
    expect(line).not.toHaveProperty('traceID')
  })
})

/** Has the backend remove two people, and tells the request ID that it answered with. */
async function remove(headers: Record<string, string>) {
  const { token, organizationID, userID } = await createRequest()
  const path = `/organizations/${organizationID}/removals`
  const response = await fetch(new URL(path, example.workers.urlOf('console-backend')), {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ userIDs: [userID, 'absent'] }),
  })
  expect(response.status).toBe(200)
  return response.headers.get('X-Request-Id') ?? ''
}

/** Which Worker wrote each line, and for which of its transports. */
const transportsOf = (lines: readonly Line[]) =>
  lines.map(({ message, transport }) => transport ?? message)

describe('through the example', () => {
  test('a search for the request ID finds the lines of both Workers', async () => {
    const requestID = `console-${crypto.randomUUID()}`
    expect(await remove({ 'X-Request-Id': requestID })).toBe(requestID)
    expect(transportsOf(await search(requestID, 3))).toEqual(['rpc', 'rpc', 'removal'])
  })

  test('a search for the trace ID does, too', async () => {
    const traceID = crypto.randomUUID().replaceAll('-', '')
    await remove({ traceparent: `00-${traceID}-00f067aa0ba902b7-01` })
    expect(transportsOf(await search(traceID, 3))).toEqual(['rpc', 'rpc', 'removal'])
  })

  test('where the page sends neither, the backend makes both', async () => {
    const lines = await search(await remove({}), 3)
    const traceIDs = new Set(lines.map(({ traceID }) => traceID))
    expect(traceIDs.size).toBe(1)
    expect([...traceIDs][0]).toMatch(/^[0-9a-f]{32}$/)
  })
})
