/**
 * Known attacks on JSON Web Tokens, over real sockets: each is refused for the right reason, none of them gets to the
 * database, and the attacker's server never hears of it.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { createKey } from '../support/keys'
import { call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { createWorld } from '../support/world'
import { attackAlgorithms } from './attacks/algorithms'
import { attackClaims } from './attacks/claims'
import { attackHeader } from './attacks/header-members'
import { attackSignatures } from './attacks/signatures'
import { attackStructure } from './attacks/structure'
import { startRig } from './rig/start'

const issuer = await serveIssuer({ algorithms: ['ES256', 'RS256', 'Ed25519'] })
const attacker = await serveIssuer()
const rig = await startRig({ ...issuer.vars })
afterAll(async () => {
  await rig.stop()
  await issuer.stop()
  await attacker.stop()
})

const world = await createWorld(rig.db)
const victim = world.administrator.person.subject
const [ec, rsa, ed] = issuer.keys
if (rsa === undefined || ed === undefined) throw new Error('the issuer has too few keys')
const scene = {
  issuer,
  ec,
  rsa,
  ed,
  own: await createKey('ES256'),
  server: new URL(attacker.vars.JWKS_URL).origin,
  victim,
}
const attacks = [
  attackAlgorithms,
  attackSignatures,
  attackHeader,
  attackStructure,
  attackClaims,
].flatMap((make) => make(scene))
const tokens: string[] = []

describe('a token with', () => {
  test.for(attacks)('$name is refused: $reason', async ({ token, reason }) => {
    const forged = await token()
    tokens.push(forged)
    const answer = await rig.call({ ...world.target, token: forged })
    const line = await rig.lineOf(answer.requestID)
    expect(answer.status).toBe(401)
    expect(line.reason).toBe(reason)
    expect(line.database).toBeUndefined()
    expect(line.actor).toBeUndefined()
    expect(answer.headers.get('WWW-Authenticate')).toContain(
      reason === 'jwt_expired' ? 'the access token expired' : 'the access token is invalid',
    )
  })
})

test('the same tokens, but for what was wrong with them, are good', async () => {
  for (const key of issuer.keys) {
    const token = await issuer.token(victim, { key })
    const answer = await call(rig.url, { ...world.target, userID: 'absent', token })
    expect([key.algorithm, answer.status]).toEqual([key.algorithm, 404])
  }
})

test("the attacker's server has not been asked for anything", () => {
  expect(attacker.endpoint.requests.length).toBe(0)
})

test('the issuer was asked no more often than its keys are worth', () => {
  expect(issuer.endpoint.requests.length).toBeLessThanOrEqual(2)
})

test('nothing of any of these tokens is in the log', () => {
  const log = rig.log.join('\n')
  const parts = tokens.flatMap((token) => token.split('.')).filter(({ length }) => length > 20)
  expect(parts.length).toBeGreaterThan(attacks.length)
  expect(parts.filter((part) => log.includes(part))).toEqual([])
})
