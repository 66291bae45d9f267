/** An error whose message says what is wrong and what to do. scripts/run.js prints it without a stack. */
export class Advice extends Error {
  override readonly name = 'Advice'
}
