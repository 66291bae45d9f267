/**
 * What an attack on a token is, and what its makers share. The attacker knows the issuer's public keys and has good
 * tokens of its own; it has no key of the issuer.
 */
import type { Issuer, TokenChanges } from '../../support/issuer'
import type { SigningKey } from '../../support/keys'

/** One attack. */
export interface Attack {
  readonly name: string
  readonly token: () => Promise<string>
  /** Why it fails, in the log's words. */
  readonly reason: string
}

/** Whom the attacker has to do with. */
export interface Scene {
  readonly issuer: Issuer
  readonly ec: SigningKey
  readonly rsa: SigningKey
  readonly ed: SigningKey
  /** A key of the attacker's own. */
  readonly own: SigningKey
  /** A server of the attacker's own. */
  readonly server: string
  /** Whom the attacker wants to be. */
  readonly victim: string
}

/** Why an attack fails, where many do. */
export const SIGNATURE = 'jwt_signature_invalid'
export const MALFORMED = 'jwt_malformed'
export const ALGORITHM = 'jwt_algorithm_not_allowed'
export const UNKNOWN_KEY = 'jwt_unknown_key'
export const CLAIMS = 'jwt_claims_invalid'

/** Makes attacks out of changes to a good token of the victim. */
export interface Forge {
  readonly attack: (name: string, reason: string, changes: TokenChanges) => Attack
  /** Changes the finished token. */
  readonly altered: (name: string, reason: string, alter: (token: string) => string) => Attack
}

/** The forge of a scene. */
export function createForge({ issuer, victim }: Scene): Forge {
  return {
    attack: (name, reason, changes) => ({
      name,
      reason,
      token: () => issuer.token(victim, changes),
    }),
    altered: (name, reason, alter) => ({
      name,
      reason,
      token: async () => alter(await issuer.token(victim)),
    }),
  }
}

/** The members of an object as JSON text, without the braces around them. */
export function textOf(value: object): string {
  return JSON.stringify(value).slice(1, -1)
}
