/**
 * Tables of JWTs (tokens and DPoP proofs): a row gives one part several values and names the outcome of all of them.
 */
import type { TokenChanges } from '../../dev/test-issuer.ts'

/**
 * The part is a member of `TokenChanges`, such as `headerText`, or a member of one, such as `claims.aud`. A value that is
 * undefined removes the part.
 */
export type Row = readonly [outcome: string, part: string, ...values: unknown[]]

/** One case of a row. */
export interface Case {
  readonly outcome: string
  readonly part: string
  readonly value: unknown
  readonly changes: TokenChanges
}

export function toCases(rows: readonly Row[]): Case[] {
  return rows.flatMap(([outcome, part, ...values]) => {
    const [change = '', member] = part.split('.')
    return values.map((value) => ({
      outcome,
      part,
      value,
      changes: { [change]: member === undefined ? value : { [member]: value } },
    }))
  })
}

/**
 * Makes a JWT of an exact size.
 *
 * @param make makes one with these texts somewhere in its header and in its claims
 */
export async function makeWithSize(
  bytes: number,
  make: (inHeader: string, inClaims: string) => Promise<string>,
): Promise<string> {
  const { length } = await make('', '')
  const missing = Math.floor(((bytes - length) * 3) / 4)
  // Base64url has no text of some lengths, so that claims alone do not reach every size.
  for (let step = 0; step < 12; step += 1) {
    const jwt = await make('x'.repeat(Math.floor(step / 4)), 'x'.repeat(missing - (step % 4)))
    if (jwt.length === bytes) return jwt
  }
  throw new Error(`no JWT of ${bytes} bytes was found`)
}
