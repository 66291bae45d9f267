/** An error whose message tells a person what to do; its stack would only hide that. */
export class Advice extends Error {
  override readonly name = 'Advice'
}
