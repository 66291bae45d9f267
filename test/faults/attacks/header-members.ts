/**
 * Attacks by members of the header: keys that come with the token, key IDs that are more than a name, and `crit`.
 */
import type { JWK } from 'jose'
import { createForge, MALFORMED, SIGNATURE, UNKNOWN_KEY, type Attack, type Scene } from './scene'

/** `jku`, `x5u`, `jwk` and `x5c` injection, `kid` injection, `crit` and `b64`. */
export function attackHeader(scene: Scene): readonly Attack[] {
  const { ec, own, server } = scene
  const { attack } = createForge(scene)
  const ofOwnKey = (name: string, header: Readonly<Record<string, unknown>>): Attack =>
    attack(name, SIGNATURE, { key: own, header: { kid: ec.kid, ...header } })

  const jwk = own.publicJWK as JWK
  const injected: Attack[] = [
    ofOwnKey('jku: a key set on a server of the attacker', { jku: `${server}/jwks` }),
    ofOwnKey('x5u: a certificate on a server of the attacker', { x5u: `${server}/cert` }),
    ofOwnKey('jwk: a key in the header', { jwk }),
    ofOwnKey('jwk: a key in the header under a known key ID', { jwk: { ...jwk, kid: ec.kid } }),
    ofOwnKey('x5c: a certificate in the header', { x5c: ['MIIB'], x5t: 'AAAA' }),
    attack('jku and a key ID of the attacker', UNKNOWN_KEY, {
      key: own,
      header: { jku: `${server}/jwks`, jwk },
    }),
  ]

  const keyIDs = [
    "' OR '1'='1",
    "x' UNION SELECT 'key' --",
    '../../../../dev/null',
    'file:///dev/null',
    `${server}/key`,
    '$(curl example.invalid)',
    '\u0000',
    `${ec.kid}\u0000`,
    ` ${ec.kid}`,
    ec.kid.toUpperCase(),
    '__proto__',
    'constructor',
    'toString',
    '',
    'k'.repeat(5_000),
    '😀',
  ].map((kid) =>
    attack(`kid injection: ${JSON.stringify(kid.slice(0, 40))}`, UNKNOWN_KEY, { header: { kid } }),
  )
  const odd = [null, 0, true, [ec.kid], { toString: ec.kid }].map((kid) =>
    attack(`a kid that is no text: ${JSON.stringify(kid)}`, UNKNOWN_KEY, { header: { kid } }),
  )

  const critical: Attack[] = [
    attack('crit with an unknown name', MALFORMED, { header: { crit: ['exp2'], exp2: 1 } }),
    attack('crit with a registered name', MALFORMED, { header: { crit: ['alg'] } }),
    attack('crit without the member that it names', MALFORMED, { header: { crit: ['b64'] } }),
    attack('crit that is empty', MALFORMED, { header: { crit: [] } }),
    attack('crit that is a text', MALFORMED, { header: { crit: 'b64', b64: false } }),
    attack('crit with the name of a prototype', MALFORMED, { header: { crit: ['__proto__'] } }),
    attack('b64: false', MALFORMED, { header: { crit: ['b64'], b64: false } }),
  ]

  return [...injected, ...keyIDs, ...odd, ...critical]
}
