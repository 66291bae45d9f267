import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { createCaller } from './support/worker/caller'
import { serveIssuer } from './support/worker/issuers'
import { createWorld } from './support/world'

test('an administrator deletes a user', async () => {
  const issuer = await serveIssuer()
  const world = await createWorld(env.DB)
  const call = createCaller(issuer)
  const token = await issuer.token(world.administrator.person.subject)
  const answer = await call({ ...world.target, token })
  expect(answer.status).toBe(200)
  expect(answer.line.groupsRemoved).toBe(2)
  expect((await call({ ...world.target, token })).status).toBe(404)
})
