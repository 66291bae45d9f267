/**
 * The Workers of README.md and examples/console-backend behind a binding that responds as firewalls, proxies and other
 * servers do. None of these responses is a removal.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import backend from '../../examples/console-backend/src/index'
import type { Identity } from '../../src/identity'
import { readDocumentedCallers } from '../service-binding/test-workers'
import { createFolder } from '../support/node/folder'
import { foreignCases, serveForeignResponses } from '../support/node/foreign-responses'

type Binding = Pick<Identity, 'deleteUser'>

interface SampleWorker {
  fetch(request: Request, env: { readonly IDENTITY: Binding }): Promise<Response>
}

vi.spyOn(console, 'log').mockReturnValue()
vi.spyOn(console, 'error').mockReturnValue()
const foreign = await serveForeignResponses()
const sample = join(await createFolder(), 'sample.ts')
await writeFile(sample, (await readDocumentedCallers()).source)
const { default: readmeWorker } = (await import(sample)) as { default: SampleWorker }

afterAll(() => {
  vi.restoreAllMocks()
  foreign.stop()
})

describe.each(foreignCases)('$status from $title', ({ organizationID }) => {
  const url = `${foreign.origin}/api/v1/organizations/${organizationID}/users/u`
  const IDENTITY: Binding = {
    deleteUser: async () => (await fetch(url, { redirect: 'manual' })).json() as never,
  }

  test('is not a removal for the Worker of README.md', async () => {
    // The runtime responds to an exception with 500.
    const status = await readmeWorker
      .fetch(new Request('https://caller.example/'), { IDENTITY })
      .then(
        (response) => response.status,
        () => 500,
      )
    expect(status).toBeGreaterThanOrEqual(400)
  })

  test('is a failure for the Worker in examples/console-backend', async () => {
    const request = new Request('https://backend.example/organizations/acme/removals', {
      method: 'POST',
      headers: { Authorization: 'Bearer token' },
      body: '{"userIDs":["u"],"absentIsDone":true}',
    })
    const response = await backend.fetch(request, { IDENTITY })
    expect(await response.json()).toMatchObject({ done: false, people: [{ result: 'failed' }] })
  })
})
