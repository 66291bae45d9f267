/**
 * What another Worker can reach over a binding: two methods of one entrypoint. A new export or method, even a private one,
 * fails here until it is added on purpose.
 */
import { afterAll, expect, test } from 'vitest'
import { startWorkers } from '../support/node/local-workers'
import { bindTo, buildTestWorker } from './test-workers'

const { serviceBindings } = bindTo('identity')
const surface = { serviceBindings: { ...serviceBindings, default: 'identity' } }
const others = [await buildTestWorker('surface', surface)]
const workers = await startWorkers({ others, migrate: false })
afterAll(() => workers.stop())

async function ask(path: string): Promise<unknown> {
  return (await fetch(new URL(path, workers.urlOf('surface')))).json()
}

test('the Worker exports two handlers, and the entrypoint Identity with two methods', async () => {
  expect(await ask('/')).toEqual({
    exports: ['Identity', 'default'],
    handlers: ['fetch', 'scheduled'],
    members: ['deleteUser', 'fetch'],
  })
})

test('a binding reaches deleteUser and nothing else', async () => {
  for (const name of ['env', 'ctx', 'handleCall', 'scheduled', 'queue', 'tail', 'test']) {
    const error = `TypeError: The RPC receiver does not implement the method "${name}".`
    expect(await ask(`/call/identity/${name}`)).toEqual({ error })
    expect(await ask(`/read/identity/${name}`)).toEqual({ error })
  }
  const withoutEntrypoint = await ask('/call/default/deleteUser')
  expect(withoutEntrypoint).toEqual({ error: expect.stringMatching(/^TypeError: .*deleteUser/) })
  expect(workers.log).toEqual([])
  // The same call of a method that exists reaches the Worker.
  const error = 'TypeError: deleteUser: token must be a string'
  expect(await ask('/call/identity/deleteUser')).toEqual({ error })
  expect(workers.log).toHaveLength(1)
})
