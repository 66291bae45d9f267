/**
 * What a person at the terminal did not expect and can fix. scripts/run.js prints the message alone, without a stack.
 */

/** An error whose message says what is wrong and what to do. */
export class Advice extends Error {
  override readonly name = 'Advice'
}
