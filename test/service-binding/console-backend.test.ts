/**
 * The Worker in examples/console-backend, bound to the Worker under test: what is removed, and what the database holds.
 * Everything that needs no Worker is in examples/console-backend/test.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConsole, removedAtOnce, type Console } from './console'

const FAILED = {
  result: 'failed',
  error: 'server_error',
  error_description: 'an unexpected error occurred, which may succeed on a retry',
}

let example: Console

beforeAll(async () => {
  example = await startConsole()
})

afterAll(() => example.stop())

test('reports each person in the order of the request, and removes those who are there', async () => {
  const [first = '', second = ''] = await example.addPeople('a', 'b')
  const { status, body } = await example.remove([first, 'absent', second, first])
  expect(status).toBe(200)
  expect(body).toEqual({
    done: false,
    people: [
      removedAtOnce(first),
      {
        userID: 'absent',
        result: 'not_found',
        attempts: 1,
        error: 'not_found',
        error_description: 'the requested resource does not exist',
      },
      removedAtOnce(second),
    ],
  })
  expect(await example.countRows([first, second])).toEqual({ users: 0, records: 2 })
})

test('reports the same again with the same key, and not without it', async () => {
  const people = await example.addPeople('a', 'b', 'c')
  const first = await example.remove(people, { key: 'friday' })
  expect(first.body).toEqual({ done: true, people: people.map(removedAtOnce) })
  expect(await example.remove(people, { key: 'friday' })).toEqual(first)
  expect((await example.remove(people)).body).toMatchObject({
    people: [{ result: 'not_found' }, {}, {}],
  })
  expect(await example.countRows(people)).toEqual({ users: 0, records: 3 })
})

test.each([
  ['an auditor', 'auditor', 'forbidden'],
  ['a stranger', 'stranger', 'access_denied'],
])('reports a refusal for each person to %s', async (_, who, error) => {
  const subject = who === 'auditor' ? example.fixture.auditor.person.subject : who
  const people = await example.addPeople('a', 'b')
  const { status, body } = await example.remove(people, {
    token: await example.issuer.token(subject),
  })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    done: false,
    people: people.map((userID) => ({ userID, result: 'refused', attempts: 1, error })),
  })
  expect(await example.countRows(people)).toEqual({ users: 2, records: 0 })
})

test('removes ten people in one call', async () => {
  const people = await example.addPeople(...Array.from({ length: 10 }, (_, index) => `${index}`))
  const { body } = await example.remove(people)
  expect(body).toEqual({ done: true, people: people.map(removedAtOnce) })
})

describe.concurrent('if the way to the Identity Worker fails', () => {
  test('a response that was lost after the deletion ends as a removal, with one record', async () => {
    const people = await example.addPeople('is lost once', 'a')
    const { body } = await example.remove(people, { identity: 'identity-between' })
    expect(body).toEqual({
      done: true,
      people: [{ userID: people[0], result: 'removed', attempts: 2 }, removedAtOnce(people[1]!)],
    })
    expect(await example.countRows(people)).toEqual({ users: 0, records: 2 })
  })

  test('a person whose response is lost each time is reported as removed later, with the same key', async () => {
    const [userID = ''] = await example.addPeople('is lost for good')
    const lost = { identity: 'identity-between', key: 'later' } as const
    const { body } = await example.remove([userID], lost)
    expect(body).toMatchObject({
      done: false,
      people: [{ userID, result: 'failed', attempts: 3, retryAfter: 1 }],
    })
    const later = await example.remove([userID], { key: 'later' })
    expect(later.body).toEqual({ done: true, people: [removedAtOnce(userID)] })
    expect(await example.countRows([userID])).toEqual({ users: 0, records: 1 })
  })

  test('an issuer that is down for a moment costs one more attempt', async () => {
    const [userID = ''] = await example.addPeople('a')
    const { body } = await example.remove([userID], { identity: 'down-once' })
    expect(body).toEqual({ done: true, people: [{ userID, result: 'removed', attempts: 2 }] })
  })

  test('an issuer that stays down fails each person and says when to retry', async () => {
    const people = await example.addPeople('a', 'b')
    const { body } = await example.remove(people, { identity: 'down' })
    expect(body).toEqual({
      done: false,
      people: people.map((userID) => ({ userID, ...FAILED, attempts: 3, retryAfter: 1 })),
    })
    expect(await example.countRows(people)).toEqual({ users: 2, records: 0 })
  })
})
