/**
 * The example: what goes wrong between the console's backend and the Identity Worker, and what the page hears of it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConsole, removedAtOnce, type Console } from './console'

const UNEXPECTED = 'an unexpected error occurred, which may succeed on a retry'
const FAILED = { result: 'failed', error: 'server_error', error_description: UNEXPECTED }
const NOT_ANSWERED = { ...FAILED, error_description: 'the identity Worker gave no answer' }

let example: Console

beforeAll(async () => {
  example = await startConsole()
})

afterAll(() => example.stop())

describe.concurrent('on the way to the Identity Worker', () => {
  test('an answer that was lost after the deletion ends as a removal, with one record', async () => {
    const people = await example.addPeople('is lost once', 'a')
    const { body } = await example.remove(people, { identity: 'identity-between' })
    expect(body).toEqual({
      done: true,
      people: [{ userID: people[0], result: 'removed', attempts: 2 }, removedAtOnce(people[1]!)],
    })
    expect(await example.countRows(people)).toEqual({ users: 0, records: 2 })
  })

  test('a binding that never answers is given up after three attempts, and asked later', async () => {
    const [userID = ''] = await example.addPeople('is lost for good')
    const lost = { identity: 'identity-between', key: 'later' } as const
    const { body } = await example.remove([userID], lost)
    const report = { userID, ...NOT_ANSWERED, attempts: 3, retryAfter: 1 }
    expect(body).toEqual({ done: false, people: [report] })
    const later = await example.remove([userID], { key: 'later' })
    expect(later.body).toEqual({ done: true, people: [removedAtOnce(userID)] })
    expect(await example.countRows([userID])).toEqual({ users: 0, records: 1 })
  })

  test('an issuer that is down for a moment costs one more attempt', async () => {
    const [userID = ''] = await example.addPeople('a')
    const { body } = await example.remove([userID], { identity: 'down-once' })
    expect(body).toEqual({ done: true, people: [{ userID, result: 'removed', attempts: 2 }] })
  })

  test('an issuer that stays down fails each person and says when to come back', async () => {
    const people = await example.addPeople('a', 'b')
    const { body } = await example.remove(people, { identity: 'down' })
    expect(body).toEqual({
      done: false,
      people: people.map((userID) => ({ userID, ...FAILED, attempts: 3, retryAfter: 1 })),
    })
    expect(await example.countRows(people)).toEqual({ users: 2, records: 0 })
  })

  test('a failure that no retry can mend is tried once', async () => {
    const { body } = await example.remove(['a'], { identity: 'misconfigured' })
    expect(body).toEqual({ done: false, people: [{ userID: 'a', ...FAILED, attempts: 1 }] })
  })

  test('a pause that is too long for whoever waits is left to them', async () => {
    const [userID = ''] = await example.addPeople('has no quota')
    const { body } = await example.remove([userID], { identity: 'identity-between' })
    const report = { userID, ...FAILED, attempts: 1, retryAfter: 3_600 }
    expect(body).toEqual({ done: false, people: [report] })
  })

  test('a TypeError is a fault of the program, and is tried once', async () => {
    const [userID = ''] = await example.addPeople('throws a TypeError')
    const { body } = await example.remove([userID], { identity: 'identity-between' })
    expect(body).toEqual({ done: false, people: [{ userID, ...NOT_ANSWERED, attempts: 1 }] })
  })
})
