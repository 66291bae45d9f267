/**
 * The issuer fails in every way, to an isolate that has no keys yet and to one that has good ones. Its answers come over
 * real sockets. Each case has a JWKS URL of its own, for which the isolate has no keys yet.
 */
import { exportJWK } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { withBody } from '../support/jwks-answers'
import { createKey } from '../support/keys'
import { makeKeyCases } from './key-cases'
import { MINUTE_MS, SECOND_MS, startKeyRig } from './rig/key-rig'
import { clearRows, writeRows, type Row } from './rig/results'
import type { Observation } from './rig/start'

const TABLE = 'key-faults'
const WEAK_RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 1024,
  publicExponent: new Uint8Array([1, 0, 1]),
}

clearRows(TABLE)
const rig = await startKeyRig()
const { answers, ask, fetches, issuer } = rig
afterAll(() => rig.stop())

const weak = (await crypto.subtle.generateKey(WEAK_RSA, true, ['verify', 'sign'])) as CryptoKeyPair
const cases = makeKeyCases({
  good: issuer.keys[0],
  rsa: await createKey('RS256'),
  weak: { ...(await exportJWK(weak.publicKey)), kid: issuer.keys[0].kid },
  elsewhere: `${issuer.vars.JWKS_URL}?elsewhere`,
})
const rows = new Map<string, Row>()
const otherKey = await createKey('ES256')
const token = await rig.tokenOf(otherKey)

/** Why a refresh failed, in the log's words. */
async function findCause({ requestID }: Observation): Promise<string | undefined> {
  const { warnings } = await rig.report(requestID)
  const [cause] = warnings.map((text) => (JSON.parse(text) as { cause: string }).cause)
  return cause
}

describe.concurrent('where the issuer answers with', () => {
  test.for(cases)('$answer', async (given, { expect }) => {
    const index = cases.indexOf(given)
    const [cold, warm] = [`cold-${index}`, `warm-${index}`]

    answers.set(cold, given.serve)
    const first = await ask(cold, { aheadMs: 0 })
    const cause = await findCause(first)
    const reason = (await rig.lineOf(first.requestID)).reason
    expect.soft(first.status).toBe(given.isGood ? 404 : 500)
    expect.soft(first.headers.get('Retry-After')).toBe(given.isGood ? null : '1')
    expect.soft(reason).toBe(given.isGood ? 'user_not_found' : 'jwks_unavailable')
    expect.soft(cause).toBe(given.cause)
    expect.soft(fetches(cold)).toBe(1)

    answers.set(warm, withBody(issuer.jwks()))
    expect((await ask(warm, { aheadMs: 0 })).status).toBe(404)
    answers.set(warm, given.serve)
    const known = await ask(warm, { aheadMs: 10 * MINUTE_MS })
    const unknown = await ask(warm, { token, aheadMs: 10 * MINUTE_MS + 30 * SECOND_MS })
    expect.soft(known.status).toBe(404)
    expect.soft(unknown.status).toBe(401)
    expect.soft((await ask(warm, { aheadMs: 11 * MINUTE_MS - 1 })).status).toBe(404)
    expect.soft(fetches(warm)).toBe(3)

    answers.set(cold, withBody(issuer.jwks()))
    expect.soft((await ask(cold, { aheadMs: SECOND_MS })).status).toBe(404)
    answers.set(warm, withBody(issuer.jwks([issuer.keys[0].publicJWK, otherKey.publicJWK])))
    expect.soft((await ask(warm, { token, aheadMs: 12 * MINUTE_MS })).status).toBe(404)

    rows.set(given.answer, {
      'The issuer answers with': given.answer,
      'No keys yet': first.status === 500 ? `500, \`${reason}\`` : first.status,
      'Good keys, a known key ID': known.status,
      'Good keys, an unknown key ID': unknown.status,
      'Cause in the log': cause === undefined ? '–' : `\`${cause}\``,
    })
  })
})

test('nothing is fetched from where a redirect leads', () => {
  expect(fetches('elsewhere')).toBe(0)
})

test('the table has a row for every case, in their order', () => {
  const inOrder = cases.flatMap(({ answer }): Row[] => {
    const row = rows.get(answer)
    return row === undefined ? [] : [row]
  })
  expect(inOrder.length).toBe(cases.length)
  writeRows(TABLE, inOrder)
})
