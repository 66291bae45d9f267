/**
 * A Worker that calls as a test tells it, over the binding that the header `X-Binding` names: `POST /rpc` calls
 * `deleteUser`; any other request goes to the binding's `fetch`.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../../src/identity'
import * as values from './arguments'

interface Binding {
  deleteUser(...args: unknown[]): Promise<DeleteUserOutcome>
  fetch(request: Request): Promise<Response>
}

/** One call of `deleteUser`. */
export interface Instruction {
  readonly request: DeleteUserRequest
  /** The name of arguments to send in place of the request. */
  readonly argument?: string
  /** Sets a field, or a member of `dpop`, to the named value. */
  readonly value?: { readonly field: string; readonly name: string }
  /** Sets fields to a text many times over, which would be too long for the test to send. */
  readonly repeated?: Readonly<Record<string, readonly [text: string, times: number]>>
  /** Ends the Worker's request before the outcome, when a URL responds. */
  readonly leave?: { readonly way: keyof typeof ways; readonly after: string }
}

/** What the Worker got from `deleteUser`. */
export interface CallResult {
  readonly outcome?: DeleteUserOutcome
  /** The error, and the names of its own properties. */
  readonly thrown?: Pick<Error, 'name' | 'message' | 'stack'> & { readonly properties: string[] }
}

const ways = {
  forgets: () => undefined,
  // The promise of a call has a disposer, which its type leaves out.
  disposes: (call: unknown) => (call as Disposable)[Symbol.dispose](),
  throws: () => {
    throw new Error('the caller fails')
  },
}

export default {
  async fetch(incoming: Request, env: Readonly<Record<string, Binding>>): Promise<Response> {
    const identity = env[incoming.headers.get('X-Binding') ?? '']
    if (identity === undefined) return new Response('no such binding', { status: 501 })
    if (new URL(incoming.url).pathname !== '/rpc') return identity.fetch(incoming)
    const instruction = await incoming.json<Instruction>()
    if (instruction.leave !== undefined) {
      const { way, after } = instruction.leave
      const call = identity.deleteUser(instruction.request)
      await fetch(after)
      ways[way](call)
      return new Response('left')
    }
    try {
      const outcome = await identity.deleteUser(...makeArguments(instruction))
      return Response.json({ outcome } satisfies CallResult)
    } catch (error) {
      const { name, message, stack = '' } = error as Error
      const thrown = { name, message, stack, properties: Object.getOwnPropertyNames(error) }
      return Response.json({ thrown } satisfies CallResult)
    }
  },
}

function makeArguments({ request, argument, value, repeated = {} }: Instruction): unknown[] {
  if (argument !== undefined) return values.wholeArguments[argument]!(request)
  const fields: Record<string, unknown> = { ...request }
  if (value !== undefined) {
    const [field = '', member] = value.field.split('.')
    const invalid = { ...values.notStrings, ...values.notUnicode }[value.name]!()
    const dpop = { proof: 'x', method: 'DELETE', url: 'https://caller.example/' }
    fields[field] = member === undefined ? invalid : { ...dpop, [member]: invalid }
  }
  for (const [field, [text, times]] of Object.entries(repeated)) fields[field] = text.repeat(times)
  return [fields]
}
