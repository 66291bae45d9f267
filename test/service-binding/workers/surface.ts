/**
 * Reflects over the module of the Worker under test, or calls or reads a name over a binding: `/call/{binding}/{name}`,
 * `/read/{binding}/{name}`.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import * as offered from '../../../src/index'

type Binding = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>

export default {
  async fetch(request: Request, env: Readonly<Record<string, Binding>>): Promise<Response> {
    const [, action, binding = '', name = ''] = new URL(request.url).pathname.split('/')
    const identity = env[binding]
    if (identity === undefined) return Response.json(reflect())
    try {
      const value: unknown = await (action === 'read' ? identity[name] : identity[name]?.({}))
      return Response.json({ value: String(value) })
    } catch (error) {
      return Response.json({ error: String(error) })
    }
  },
}

/** The module's exports, and all members of `Identity` above the runtime's own class. */
function reflect() {
  const members = new Set<string>()
  let prototype = offered.Identity.prototype as object
  while (prototype !== WorkerEntrypoint.prototype && prototype !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) members.add(name)
    prototype = Object.getPrototypeOf(prototype) as object
  }
  members.delete('constructor')
  return {
    exports: Object.keys(offered).toSorted(),
    handlers: Object.keys(offered.default),
    members: [...members].toSorted(),
  }
}
