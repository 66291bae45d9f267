/**
 * What a setting costs: this project with it, beside this project without. To measure another one, add a kind with its
 * `vars`, `options` and requests, and with the goal in `atMost`.
 */
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { RequestSpec } from '../support/client.ts'
import { ADMINISTRATOR } from '../support/seed.ts'
import type { Kinds } from './kinds.ts'
import { calls, deletion, refusedToken, withHeaders } from './requests.ts'
import type { RoundsResult } from './rounds.ts'
import { measureKinds } from './warm.ts'

const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const jwk = await exportJWK(publicKey)
const bound = { cnf: { jkt: await calculateJwkThumbprint(jwk) } }
/** All isolates get it as their host, since a proof names the origin. */
const HOST = 'identity.example'

/** Sends the token with a proof of its key (RFC 9449). */
async function prove({ method, path, headers }: RequestSpec, claims: JWTPayload = {}) {
  const token = headers['Authorization']!.slice('Bearer '.length)
  const ath = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  const proof = new SignJWT({
    jti: crypto.randomUUID(),
    htm: method,
    htu: `http://${HOST}${path}`,
    ath: base64url.encode(new Uint8Array(ath)),
    ...claims,
  })
    .setIssuedAt()
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .sign(privateKey)
  return { Host: HOST, Authorization: `DPoP ${token}`, DPoP: await proof }
}

const provenDeletion = withHeaders(deletion({ claims: bound }), (spec) => prove(spec))
/** A proof that is valid in all but the method, which is checked after the signature. */
const refusedProof = withHeaders(
  calls(401, (issuer) => issuer.issueToken(ADMINISTRATOR, bound)),
  (spec) => prove(spec, { htm: 'POST' }),
)

const ours = { worker: 'this project' } as const
const record = { vars: { RECORD_GROUPS: 'true' } }
const dpop = { vars: { DPOP: 'accept' } }
const inThousand = { every: 24, ...deletion({ groups: 1000 }) }

const SETTINGS: Kinds = {
  'refused token': { ...ours, ...refusedToken },
  deletion: { ...ours, ...deletion() },
  'events on': {
    ...ours,
    options: { queueProducers: { DELETION_EVENTS: 'deletion-events' } },
    ...deletion(),
    atMost: { deletion: 1.05 },
  },
  'members may leave': {
    ...ours,
    vars: { MEMBERS_MAY_LEAVE: 'true' },
    ...deletion(),
    against: ['deletion'],
  },
  '2 groups': { ...ours, ...deletion({ groups: 2 }) },
  '2 groups, recorded': { ...ours, ...record, ...deletion({ groups: 2 }), against: ['2 groups'] },
  '1,000 groups': { ...ours, ...inThousand },
  '1,000 groups, recorded': { ...ours, ...record, ...inThousand, against: ['1,000 groups'] },
  'DPoP deletion': { ...ours, ...dpop, ...provenDeletion, atMost: { deletion: 1.15 } },
  'refused proof': { ...ours, ...dpop, ...refusedProof, atMost: { 'refused token': 1.6 } },
}

const FULL = { warmUp: 1_440, rounds: 2_880, cpuBlocks: 12 }
const QUICK = { warmUp: 36, rounds: 48, cpuBlocks: 1 }

export const measureSettings = (quick: boolean): Promise<RoundsResult> =>
  measureKinds(SETTINGS, quick ? QUICK : FULL)
