/**
 * The example: what the page gets that calls the console's backend.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startConsole, removedAtOnce, type Console } from './console'

let example: Console

beforeAll(async () => {
  example = await startConsole()
})

afterAll(() => example.stop())

describe('what the page gets', () => {
  test('a report for each person, in the order asked for', async () => {
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

  test('absent people as done, where the page asks for that', async () => {
    const [id = ''] = await example.addPeople('a')
    const { body } = await example.remove([id, 'absent'], { absentIsDone: true })
    const absent = { userID: 'absent', result: 'already_gone', attempts: 1 }
    expect(body).toEqual({ done: true, people: [removedAtOnce(id), absent] })
  })

  test('the same report once more with the same key, and not without', async () => {
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
  ])('a refusal for each person, where %s calls', async (_, who, error) => {
    const subject = who === 'auditor' ? example.world.auditor.person.subject : who
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

  test('ten people in one call, of whom four are under way at a time', async () => {
    const people = await example.addPeople(
      ...Array.from({ length: 10 }, (_, index) => `is counted:${index}`),
    )
    const { body } = await example.remove(people, { identity: 'identity-between' })
    expect(body).toEqual({ done: true, people: people.map(removedAtOnce) })
    expect(await (await fetch(example.workers.urlOf('identity-between'))).json()).toBe(4)
  })
})

describe('a call that names nobody to remove', () => {
  const path = '/organizations/acme/removals'
  const bearer = { Authorization: 'Bearer x' }
  const post = (body: string, headers: HeadersInit = bearer): RequestInit => {
    return { method: 'POST', headers, body }
  }
  const eleven = JSON.stringify({ userIDs: Array.from({ length: 11 }, (_, index) => `${index}`) })

  test.each([
    ['no token', path, post('{"userIDs":["a"]}', {}), 401],
    ['another scheme', path, post('{"userIDs":["a"]}', { Authorization: 'Basic x' }), 401],
    ['no JSON', path, post('userIDs'), 400],
    ['no list', path, post('{"userIDs":"a"}'), 400],
    ['a number in the list', path, post('{"userIDs":["a",7]}'), 400],
    ['half a surrogate pair', path, post('{"userIDs":["\\ud800"]}'), 400],
    ['null', path, post('null'), 400],
    ['a text for absentIsDone', path, post('{"userIDs":[],"absentIsDone":"false"}'), 400],
    ['eleven people', path, post(eleven), 400],
    ['a bad key', path, post('{"userIDs":[]}', { ...bearer, 'Idempotency-Key': 'a b' }), 400],
    ['a bad escape', '/organizations/%ff/removals', post('{"userIDs":["a"]}'), 400],
    ['another method', path, { method: 'DELETE' }, 405],
    ['another path', '/organizations/acme', post('{"userIDs":["a"]}'), 404],
  ])('%s', async (_, path, init, status) => {
    const logged = example.workers.log.length
    const response = await fetch(new URL(path, example.workers.urlOf('console-backend')), init)
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(/^[A-Zua]/) as unknown })
    await vi.waitFor(() => expect(example.workers.log.length).toBeGreaterThan(logged))
    const lines = example.workers.log.slice(logged).map((text) => JSON.parse(text) as object)
    expect(lines).toMatchObject([{ message: 'removal', status }])
  })
})
