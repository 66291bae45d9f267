/**
 * What another Worker can reach over a binding: two methods of one entrypoint, and nothing beside them. A new export or a
 * new method, a private one too, fails here until it is meant to be callable.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { buildTestWorker } from './test-workers'
import type { Surface } from './workers/surface'

let workers: LocalWorkers

beforeAll(async () => {
  const serviceBindings = {
    IDENTITY: { name: 'identity', entrypoint: 'Identity' },
    DEFAULT: 'identity',
  }
  const others = [await buildTestWorker('surface', { serviceBindings })]
  workers = await startWorkers({ identity: [{}], others, migrate: false })
})

afterAll(() => workers.stop())

async function ask(path: string): Promise<unknown> {
  return (await fetch(new URL(path, workers.urlOf('surface')))).json()
}

test('the Worker exports the handlers of HTTP and cron, and the entrypoint Identity', async () => {
  const { exports, handlers } = (await ask('/reflect')) as Surface
  expect(exports).toEqual(['Identity', 'default'])
  expect(handlers).toEqual(['fetch', 'scheduled'])
})

test('deleteUser and fetch are all that can be called on Identity', async () => {
  const { members } = (await ask('/reflect')) as Surface
  expect(members).toEqual(['deleteUser', 'fetch'])
})

describe('over the binding', () => {
  const names = ['env', 'ctx', 'answer', 'handleRequest', 'removeUser', 'queue', 'tail', 'test']

  test.each(names)('%s can be neither called nor read', async (name) => {
    const refused = `TypeError: The RPC receiver does not implement the method "${name}".`
    expect(await ask(`/call/IDENTITY/${name}`)).toEqual({ refused })
    expect(await ask(`/read/IDENTITY/${name}`)).toEqual({ refused })
  })

  test('deleteUser answers, so that a name which is refused is no fault of the probe', async () => {
    const refused = 'TypeError: deleteUser: token must be a string'
    expect(await ask('/call/IDENTITY/deleteUser')).toEqual({ refused })
  })

  test('the default handler, bound without an entrypoint, has no deleteUser', async () => {
    const response = (await ask('/call/DEFAULT/deleteUser')) as { refused: string }
    expect(response.refused).toMatch(/^TypeError: .*deleteUser/)
    expect(response.refused).not.toContain('token')
  })

  test('of all these calls only the one that reached deleteUser is in the log', () => {
    expect(workers.log).toEqual([expect.stringContaining('"reason":"argument_invalid:token"')])
  })
})
