/**
 * Tables of tests of tokens and DPoP proofs.
 */
import type { TokenChanges } from '../../dev/test-issuer.ts'

/**
 * Several values of one part of a JWT, with the outcome of all of them. The part is a member of `TokenChanges`, such as
 * `headerText`, or a member of one, such as `claims.aud`. A value that is undefined removes it.
 */
export type Row = readonly [outcome: string, part: string, ...values: unknown[]]

/** Makes one case of each value. */
export function toCases(rows: readonly Row[]) {
  return rows.flatMap(([outcome, part, ...values]) => {
    const [change = '', member] = part.split('.')
    return values.map((value) => {
      const changes: TokenChanges = { [change]: member === undefined ? value : { [member]: value } }
      return { outcome, part, value, changes }
    })
  })
}
