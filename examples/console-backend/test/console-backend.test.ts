/**
 * Tests of a Worker that calls the Identity Worker, without it: a stub of the published types takes its place.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DeleteUserFailure } from '../../../src/identity'
import backend from '../src/index'
import type { IdentityBinding } from '../src/remove-people'

type DeleteUser = IdentityBinding['deleteUser']

/** Stands in place of the binding and keeps the requests that it gets. */
const stub = (deleteUser: DeleteUser) => ({ deleteUser: vi.fn<DeleteUser>(deleteUser) })

const removed = () => stub(() => Promise.resolve({ ok: true }))
const failed = (failure: Omit<DeleteUserFailure, 'ok' | 'error_description'>) =>
  stub(() => Promise.resolve({ ok: false, error_description: 'a sentence', ...failure }))

/** Posts to the backend, and skips the pauses between attempts. */
async function post(
  IDENTITY: IdentityBinding,
  body: string,
  init: RequestInit = {},
  path = '/organizations/acme/removals',
) {
  const headers = { Authorization: 'Bearer token' }
  const defaults = { method: 'POST', headers, body }
  const request = new Request(`https://backend.example${path}`, { ...defaults, ...init })
  const pending = backend.fetch(request, { IDENTITY })
  await vi.runAllTimersAsync()
  const response = await pending
  return { status: response.status, body: (await response.json()) as { people: object[] } }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)
const remove = (identity: IdentityBinding, ...userIDs: string[]) =>
  post(identity, JSON.stringify({ userIDs }))

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(console, 'log').mockReturnValue()
  vi.spyOn(console, 'error').mockReturnValue()
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('makes four calls at a time', async () => {
  let running = 0
  let most = 0
  const identity = stub(async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 1))
    running -= 1
    return { ok: true }
  })
  await remove(identity, ...numbers(10))
  expect(identity.deleteUser).toHaveBeenCalledTimes(10)
  expect(most).toBe(4)
})

test('repeats a call with the same idempotency key after an exception', async () => {
  const identity = removed()
  identity.deleteUser.mockRejectedValueOnce(new Error('Network connection lost.'))
  const { body } = await remove(identity, 'ann')
  expect(body.people).toEqual([{ userID: 'ann', result: 'removed', attempts: 2 }])
  const [first, second] = identity.deleteUser.mock.calls.map(([request]) => request)
  expect(first?.idempotencyKey).toMatch(/^[\w-]{36}$/)
  expect(second).toEqual(first)
})

const outage = { status: 500, error: 'server_error' } as const
const rejecting = (exception: Error) => stub(() => Promise.reject(exception))

test.each([
  [3, 'a failure that can pass in a second', failed({ ...outage, retryAfter: 1 }), 1],
  [1, 'a failure with a long pause', failed({ ...outage, retryAfter: 41_000 }), 41_000],
  [1, 'a failure that a retry does not change', failed(outage), undefined],
  [3, 'an exception', rejecting(new Error('Network connection lost.')), 1],
  [1, 'a TypeError, a fault of this program', rejecting(new TypeError('token')), undefined],
])('makes %i calls for %s', async (attempts, _, identity, retryAfter) => {
  const { body } = await remove(identity, 'ann')
  const error_description: unknown = expect.any(String)
  const shared = { userID: 'ann', result: 'failed', error: 'server_error', error_description }
  expect(body).toEqual({ done: false, people: [{ ...shared, attempts, retryAfter }] })
})

test.each([
  [401, 'access_denied', 'refused'],
  [403, 'forbidden', 'refused'],
  [404, 'not_found', 'not_found'],
] as const)('does not repeat a call that got %i', async (status, error, result) => {
  const report = { userID: 'ann', result, attempts: 1, error, error_description: 'a sentence' }
  expect((await remove(failed({ status, error }), 'ann')).body.people).toEqual([report])
})

test('reports 404 as done if absentIsDone is true', async () => {
  const identity = failed({ status: 404, error: 'not_found' })
  const { body } = await post(identity, '{"userIDs":["ann"],"absentIsDone":true}')
  const people = [{ userID: 'ann', result: 'already_gone', attempts: 1 }]
  expect(body).toEqual({ done: true, people })
})

describe('rejects, with a sentence and without a call,', () => {
  const valid = '{"userIDs":["a"]}'
  const invalidKey = { headers: { Authorization: 'Bearer token', 'Idempotency-Key': 'a b' } }

  test.each<[title: string, status: number, body: string, init?: RequestInit, path?: string]>([
    ['no token', 401, valid, { headers: {} }],
    ['another scheme', 401, valid, { headers: { Authorization: 'Basic x' } }],
    ['a body that is not JSON', 400, 'userIDs'],
    ['userIDs that are not a list', 400, '{"userIDs":"a"}'],
    ['a number in userIDs', 400, '{"userIDs":["a",7]}'],
    ['half a surrogate pair', 400, '{"userIDs":["\\ud800"]}'],
    ['null', 400, 'null'],
    ['a string as absentIsDone', 400, '{"userIDs":[],"absentIsDone":"false"}'],
    ['eleven people', 400, JSON.stringify({ userIDs: numbers(11) })],
    ['an invalid idempotency key', 400, valid, invalidKey],
    ['an invalid escape', 400, valid, {}, '/organizations/%ff/removals'],
    ['another method', 405, valid, { method: 'PUT' }],
    ['another path', 404, valid, {}, '/organizations/acme'],
  ])('%s', async (_, status, body, init, path) => {
    const identity = removed()
    const error: unknown = expect.stringMatching(/^\w.{5}/)
    expect(await post(identity, body, init, path)).toEqual({ status, body: { error } })
    expect(identity.deleteUser).not.toHaveBeenCalled()
    const [line] = vi.mocked(console.log).mock.lastCall ?? []
    expect(JSON.parse(String(line))).toMatchObject({ message: 'removal', status })
  })
})
