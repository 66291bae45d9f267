/**
 * Every JSON Web Signature and JSON Web Key of Project Wycheproof, as a bearer token and as the issuer's key set. The
 * payloads are no claims, so each token gets 401. The reason in the log shows how far it came: the Worker reads a payload
 * only after it has verified the signature.
 */
import { decodeProtectedHeader } from 'jose'
import pMap from 'p-map'
import { afterAll, expect, test } from 'vitest'
import { withBody } from '../support/jwks-responders'
import { startKeyHarness } from './harness/key-harness'
import keyVectors from './vectors/json_web_key_test.json'
import signatureVectors from './vectors/json_web_signature_test.json'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly jws: string
  readonly result: string
}

type Key = Readonly<Record<string, unknown>>
type Published = Key | { readonly keys: readonly Key[] }

interface VectorGroup {
  readonly comment: string
  readonly public?: Published
  /** Of a secret key, published as an issuer should not do. */
  readonly private?: Published
  readonly tests: readonly Vector[]
}

/** The reason if the signature is valid and the payload is no claims. */
const VERIFIED = 'jwt_malformed'
/** The reasons if the signature is not verified. */
const NOT_VERIFIED = new Set([
  'jwt_signature_invalid',
  'jwt_algorithm_not_allowed',
  'jwt_unknown_key',
  'jwt_unusable_key',
])
const ALLOWED = new Set(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The Worker accepts weak prime numbers (CVE-2017-15361), because the form of a key does not show them. */
const NOT_DETECTED = 'rejectsKeyWithRocaVulnerability'

const harness = await startKeyHarness(['harness'], [...ALLOWED].join())
afterAll(() => harness.stop())
let published = 0

/** Publishes the keys beside a valid one, and calls with the token. */
async function findReason(keys: readonly Key[], token: string): Promise<string | undefined> {
  const name = `vector-${(published += 1)}`
  const body = JSON.stringify({ keys: [...keys, harness.issuer.keys[0].publicJWK] })
  harness.responses.set(name, withBody(body))
  const { status, requestID } = await harness.ask(name, { token })
  expect(status).toBe(401)
  return (await harness.lineOf(requestID)).reason
}

function algorithmOf(token: string): string {
  try {
    return String(decodeProtectedHeader(token).alg)
  } catch {
    return ''
  }
}

function keysOf(group: VectorGroup): readonly Key[] {
  const keys = group.public ?? group.private ?? {}
  return 'keys' in keys && Array.isArray(keys.keys) ? keys.keys : [keys]
}

test.for<{ kind: string; groups: readonly VectorGroup[]; count: number; verified: number }>([
  {
    kind: 'JSON Web Signature',
    groups: signatureVectors.testGroups,
    count: signatureVectors.numberOfTests,
    verified: 14,
  },
  {
    kind: 'JSON Web Key',
    groups: keyVectors.testGroups,
    count: keyVectors.numberOfTests,
    verified: 2,
  },
])('verifies $verified of the $count vectors of $kind', async ({ groups, count, verified }) => {
  const cases = groups.flatMap((group) => group.tests.map((vector) => ({ vector, group })))
  const seen = await pMap(
    cases,
    async ({ vector: { tcId, comment, jws, result }, group }) => {
      const keys = keysOf(group)
      const algorithm = algorithmOf(jws)
      const isReadable = COMPACT.test(jws) && ALLOWED.has(algorithm)
      const isValid = result === 'valid' && keys.some(({ alg }) => alg === algorithm)
      return {
        name: `${group.comment} ${tcId} ${comment}`,
        isReadable,
        toVerify: isReadable && (isValid || comment === NOT_DETECTED),
        reason: (await findReason(keys, jws)) ?? '',
      }
    },
    { concurrency: 8 },
  )
  expect(seen.length).toBe(count)
  expect(seen.filter(({ toVerify }) => toVerify).length).toBe(verified)
  expect(seen.filter(({ toVerify, reason }) => toVerify && reason !== VERIFIED)).toEqual([])
  const rejected = seen.filter(({ toVerify, isReadable }) => !toVerify && isReadable)
  expect(rejected.filter(({ reason }) => !NOT_VERIFIED.has(reason))).toEqual([])
})
