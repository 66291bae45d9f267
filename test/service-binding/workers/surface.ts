/**
 * Says what the Worker under test offers: by reflection over its module, and by reading or calling a name over a binding.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import * as offered from '../../../src/index'

interface SurfaceEnv {
  readonly IDENTITY: Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>
  readonly DEFAULT: SurfaceEnv['IDENTITY']
}

/** What reflection finds. */
export interface Surface {
  readonly exports: readonly string[]
  readonly handlers: readonly string[]
  /** Everything on the prototypes of `Identity`, up to the runtime's own class. */
  readonly members: readonly string[]
}

export default {
  async fetch(request: Request, env: SurfaceEnv): Promise<Response> {
    const [, how, binding, name = ''] = new URL(request.url).pathname.split('/')
    if (how === 'reflect') return Response.json(reflect())
    const identity = env[binding as keyof SurfaceEnv]
    try {
      const value: unknown = await (how === 'read' ? identity[name] : identity[name]?.({}))
      return Response.json({ value: String(value) })
    } catch (error) {
      return Response.json({ refused: String(error) })
    }
  },
}

function reflect(): Surface {
  const members: string[] = []
  let prototype = offered.Identity.prototype as object
  while (prototype !== WorkerEntrypoint.prototype && prototype !== Object.prototype) {
    members.push(...Object.getOwnPropertyNames(prototype))
    prototype = Object.getPrototypeOf(prototype) as object
  }
  return {
    exports: Object.keys(offered).toSorted(),
    handlers: Object.keys(offered.default),
    members: [...new Set(members)].filter((name) => name !== 'constructor').toSorted(),
  }
}
