/**
 * Drawn tokens: valid ones of every caller, ones with an odd header or odd claims under a valid signature, and ones that
 * are changed after they are signed.
 */
import {
  constant,
  constantFrom,
  dictionary,
  integer,
  jsonValue,
  oneof,
  record,
  string,
  type Arbitrary,
  type JsonValue,
} from 'fast-check'
import type { Issuer } from '../../../dev/test-issuer.ts'
import type { SigningKey } from '../../../dev/test-keys.ts'

/** In the header and the claims of every token, and nowhere else: a text that holds it holds a part of a token. */
export const CANARY = 'canary-7f3a1c'

type Members = Readonly<Record<string, JsonValue>>

/** What a token is made of. */
export interface TokenShape {
  readonly subject: string
  readonly header: Members
  readonly claims: Members
  /** The whole payload in place of the claims. */
  readonly payload: JsonValue | undefined
  readonly signedBy: 'issuer' | 'stranger'
  /** Replaces what stands in the token from here on by a character and the rest, or by nothing. */
  readonly bend: { readonly at: number; readonly to: string | null } | null
}

const HEADER_NAMES = 'alg kid typ crit b64 jku jwk x5u x5c cty zip enc'.split(' ')
const CLAIM_NAMES = 'iss aud exp nbf iat sub scope scp cnf jti __proto__'.split(' ')

const mostly = <T>(usual: Arbitrary<T>, odd: Arbitrary<T>): Arbitrary<T> =>
  oneof({ arbitrary: usual, weight: 4 }, { arbitrary: odd, weight: 1 })

/** One or two members with any JSON value. */
const oddMembers = (names: readonly string[]): Arbitrary<Members> =>
  mostly(constant({}), dictionary(constantFrom(...names), jsonValue(), { minKeys: 1, maxKeys: 2 }))

/** Tokens for these subjects, and for others. */
export function tokenShapes(subjects: readonly string[]): Arbitrary<TokenShape> {
  return record({
    subject: mostly(constantFrom(...subjects), string({ unit: 'binary', maxLength: 60 })),
    header: oddMembers(HEADER_NAMES),
    claims: oddMembers(CLAIM_NAMES),
    payload: mostly<JsonValue | undefined>(constant(undefined), jsonValue()),
    signedBy: mostly<TokenShape['signedBy']>(constant('issuer'), constant('stranger')),
    bend: mostly<TokenShape['bend']>(
      constant(null),
      record({
        at: integer({ min: 0, max: 600 }),
        to: constantFrom(null, null, null, null, '.', '=', '+', 'A', '-', '"', '~'),
      }),
    ),
  })
}

/** The token of a shape. */
export async function makeToken(
  shape: TokenShape,
  issuer: Issuer,
  stranger: SigningKey,
): Promise<string> {
  const { subject, payload, signedBy, bend } = shape
  const token = await issuer.token(subject, {
    header: { canary: CANARY, ...shape.header },
    claims: { email: CANARY, scope: 'users', ...shape.claims },
    ...(payload === undefined ? {} : { payloadText: JSON.stringify([CANARY, payload]) }),
    ...(signedBy === 'issuer' ? {} : { key: stranger, header: { kid: issuer.keys[0].kid } }),
  })
  if (bend === null) return token
  const { at, to } = bend
  return token.slice(0, at) + (to === null ? '' : to + token.slice(at + 1))
}
