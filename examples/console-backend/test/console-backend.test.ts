/**
 * Tests of a Worker that calls the Identity Worker, without it: a stub takes its place, held to the published types.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DeleteUserFailure, DeleteUserRequest } from '../../../src/identity'
import backend from '../src/index'
import type { IdentityBinding } from '../src/remove-person'

const PATH = '/organizations/acme/removals'

/** Stands in place of the binding. `vi.fn` keeps the requests that it gets. */
function stub(deleteUser: IdentityBinding['deleteUser']) {
  return { deleteUser: vi.fn<IdentityBinding['deleteUser']>(deleteUser) } satisfies IdentityBinding
}

const removed = () => stub(() => Promise.resolve({ ok: true }))
const failed = (failure: Omit<DeleteUserFailure, 'ok' | 'error_description'>) =>
  stub(() => Promise.resolve({ ok: false, error_description: 'a sentence', ...failure }))

/** Posts to the backend, and passes the pauses between attempts. */
async function post(identity: IdentityBinding, body: string, init: RequestInit = {}, path = PATH) {
  const headers = { Authorization: 'Bearer token' }
  const request = new Request(`https://backend.example${path}`, {
    method: 'POST',
    headers,
    body,
    ...init,
  })
  const response = backend.fetch(request, { IDENTITY: identity })
  await vi.runAllTimersAsync()
  const { status } = await response
  return { status, body: (await (await response).json()) as { people: object[]; error: string } }
}

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

describe('the Identity Worker gets', () => {
  test('one call for each person, with the token and the IDs of the request', async () => {
    const identity = removed()
    expect(await remove(identity, 'ann', 'bob', 'ann')).toEqual({
      status: 200,
      body: {
        done: true,
        people: ['ann', 'bob'].map((userID) => ({ userID, result: 'removed', attempts: 1 })),
      },
    })
    const calls = identity.deleteUser.mock.calls.map(([request]) => request)
    expect(calls.map(({ userID }) => userID)).toEqual(['ann', 'bob'])
    expect(calls[0]).toMatchObject({ token: 'token', organizationID: 'acme' })
  })

  test('at most four calls at a time', async () => {
    let underWay = 0
    let most = 0
    const identity = stub(async () => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setTimeout(resolve, 1))
      underWay -= 1
      return { ok: true }
    })
    await remove(identity, ...Array.from({ length: 10 }, (_, index) => `${index}`))
    expect(identity.deleteUser).toHaveBeenCalledTimes(10)
    expect(most).toBe(4)
  })
})

describe('a failure', () => {
  test('is retried with the same idempotency key after an exception', async () => {
    const keys: unknown[] = []
    const identity = stub(({ idempotencyKey }: DeleteUserRequest) => {
      keys.push(idempotencyKey)
      if (keys.length === 1) return Promise.reject(new Error('Network connection lost.'))
      return Promise.resolve({ ok: true })
    })
    const { body } = await remove(identity, 'ann')
    expect(body.people).toEqual([{ userID: 'ann', result: 'removed', attempts: 2 }])
    expect(keys).toEqual([keys[0], keys[0]])
    expect(keys[0]).toMatch(/^[\w-]{36}$/)
  })

  test.each([
    ['three times', 'that may pass in a second', { retryAfter: 1 }, 3],
    ['once', 'whose pause is too long', { retryAfter: 41_000 }, 1],
    ['once', 'that a retry does not change', {}, 1],
  ])('is tried %s if it is one %s', async (_, __, retry, attempts) => {
    const identity = failed({ status: 500, error: 'server_error', ...retry })
    const { body } = await remove(identity, 'ann')
    expect(body).toMatchObject({ done: false, people: [{ result: 'failed', attempts, ...retry }] })
  })

  test('is tried once if it is a TypeError: then this program is wrong', async () => {
    const identity = stub(() => Promise.reject(new TypeError('deleteUser: token must be a string')))
    expect((await remove(identity, 'ann')).body.people).toMatchObject([
      { result: 'failed', attempts: 1, error: 'server_error' },
    ])
  })
})

describe('a refusal is final', () => {
  test.each([
    [401, 'access_denied', 'refused'],
    [403, 'forbidden', 'refused'],
    [404, 'not_found', 'not_found'],
  ] as const)('%s', async (status, error, result) => {
    const report = { userID: 'ann', result, attempts: 1, error, error_description: 'a sentence' }
    expect((await remove(failed({ status, error }), 'ann')).body.people).toEqual([report])
  })

  test('404 is a success if the page says so', async () => {
    const identity = failed({ status: 404, error: 'not_found' })
    const { body } = await post(identity, '{"userIDs":["ann"],"absentIsDone":true}')
    const people = [{ userID: 'ann', result: 'already_gone', attempts: 1 }]
    expect(body).toEqual({ done: true, people })
  })
})

describe('removes no person, and says why, for', () => {
  const eleven = JSON.stringify({ userIDs: Array.from({ length: 11 }, (_, index) => `${index}`) })
  const oneName = '{"userIDs":["a"]}'
  const badKey = { headers: { Authorization: 'Bearer token', 'Idempotency-Key': 'a b' } }

  test.each<[title: string, status: number, body: string, init?: RequestInit, path?: string]>([
    ['no token', 401, oneName, { headers: {} }],
    ['another scheme', 401, oneName, { headers: { Authorization: 'Basic x' } }],
    ['no JSON', 400, 'userIDs'],
    ['no list', 400, '{"userIDs":"a"}'],
    ['a number in the list', 400, '{"userIDs":["a",7]}'],
    ['half a surrogate pair', 400, '{"userIDs":["\\ud800"]}'],
    ['null', 400, 'null'],
    ['a text for absentIsDone', 400, '{"userIDs":[],"absentIsDone":"false"}'],
    ['eleven people', 400, eleven],
    ['an invalid idempotency key', 400, oneName, badKey],
    ['an escape that cannot be decoded', 400, oneName, {}, '/organizations/%ff/removals'],
    ['another method', 405, oneName, { method: 'PUT' }],
    ['another path', 404, oneName, {}, '/organizations/acme'],
  ])('%s', async (_, status, body, init, path) => {
    const identity = removed()
    const response = await post(identity, body, init, path)
    expect(response).toEqual({
      status,
      body: { error: expect.stringMatching(/^\w.{5}/) as string },
    })
    expect(identity.deleteUser).not.toHaveBeenCalled()
    const [line] = vi.mocked(console.log).mock.lastCall ?? []
    expect(JSON.parse(String(line))).toMatchObject({ message: 'removal', status })
  })
})
