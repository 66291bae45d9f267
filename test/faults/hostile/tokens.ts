/**
 * Tokens of every shape: good ones of every caller, ones whose header or claims are something else, signed by the issuer
 * all the same, and ones that were bent after they were signed.
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
  tuple,
  type Arbitrary,
  type JsonValue,
} from 'fast-check'
import type { Issuer } from '../../support/issuer'
import type { SigningKey } from '../../support/keys'

/** In the header and the claims of every token, and nowhere else: where it turns up, something of a token does. */
export const CANARY = 'canary-7f3a1c'

type Members = Readonly<Record<string, JsonValue>>

/** A token to be. */
export interface TokenShape {
  readonly subject: string
  readonly header: Members
  readonly claims: Members
  /** The whole payload in place of the claims. */
  readonly payload: JsonValue | undefined
  readonly signedBy: 'issuer' | 'stranger'
  readonly bend: Bend
}

type Bend =
  | { readonly kind: 'none' }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'change'; readonly at: number; readonly to: string }

const HEADER_NAMES = [
  'alg',
  'kid',
  'typ',
  'crit',
  'b64',
  'jku',
  'jwk',
  'x5u',
  'x5c',
  'cty',
  'zip',
  'enc',
]
const CLAIM_NAMES = [
  'iss',
  'aud',
  'exp',
  'nbf',
  'iat',
  'sub',
  'scope',
  'scp',
  'cnf',
  'jti',
  '__proto__',
]

const mostly = <T>(usual: Arbitrary<T>, odd: Arbitrary<T>): Arbitrary<T> =>
  oneof({ arbitrary: usual, weight: 4 }, { arbitrary: odd, weight: 1 })

/** One or two members that are something else than they should be. */
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
    bend: mostly<Bend>(
      constant({ kind: 'none' }),
      oneof(
        integer({ min: 0, max: 600 }).map((at) => ({ kind: 'cut' as const, at })),
        tuple(integer({ min: 0, max: 600 }), constantFrom('.', '=', '+', 'A', '-', '"', '~')).map(
          ([at, to]) => ({ kind: 'change' as const, at, to }),
        ),
      ),
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
  switch (bend.kind) {
    case 'none':
      return token
    case 'cut':
      return token.slice(0, bend.at)
    case 'change':
      return token.slice(0, bend.at) + bend.to + token.slice(bend.at + 1)
  }
}
