/**
 * A caller that hands over what no program should: arguments of every wrong type, objects that are not plain, and texts
 * of many megabytes, which it makes itself. The test names one of them; the answer says what came of it.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../../src/identity'
import { fieldValues, wholeArguments } from './hostile-arguments'

interface HostileEnv {
  readonly IDENTITY: {
    deleteUser(...args: unknown[]): Promise<DeleteUserOutcome>
  }
}

/** What the caller saw. */
export interface Sight {
  readonly outcome?: DeleteUserOutcome
  readonly thrown?: {
    readonly name: string
    readonly message: string
    readonly stack: string
    /** All own properties of the error. */
    readonly properties: readonly string[]
  }
}

/** A field of a request, made of one text many times over. */
export interface Repeated {
  readonly field: keyof DeleteUserRequest
  readonly text: string
  readonly times: number
}

/** What the test sends: a good request, and how it is to be spoilt. */
export interface Instruction {
  readonly request: DeleteUserRequest
  /** One of `wholeArguments`, in the place of the request. */
  readonly argument?: string
  /** One of `fieldValues`, in the place of a field or of a member of `dpop`. */
  readonly value?: { readonly field: string; readonly name: string }
  readonly repeated?: readonly Repeated[]
}

export default {
  async fetch(incoming: Request, env: HostileEnv): Promise<Response> {
    const instruction = await incoming.json<Instruction>()
    let sight: Sight
    try {
      sight = { outcome: await env.IDENTITY.deleteUser(...makeArguments(instruction)) }
    } catch (error) {
      const { name, message, stack = '' } = error as Error
      const properties = Object.getOwnPropertyNames(error)
      sight = { thrown: { name, message, stack, properties } }
    }
    return Response.json(sight)
  },
}

function makeArguments({ request, argument, value, repeated = [] }: Instruction): unknown[] {
  if (argument !== undefined) {
    return wholeArguments[argument as keyof typeof wholeArguments](request)
  }
  const fields: Record<string, unknown> = { ...request }
  if (value !== undefined) {
    const [field = '', member] = value.field.split('.')
    const bad = fieldValues[value.name as keyof typeof fieldValues]()
    const dpop = { proof: 'x', method: 'DELETE', url: 'https://caller.example/' }
    fields[field] = member === undefined ? bad : { ...dpop, [member]: bad }
  }
  for (const { field, text, times } of repeated) fields[field] = text.repeat(times)
  return [fields]
}
