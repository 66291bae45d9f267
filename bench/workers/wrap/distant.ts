/** A Worker whose D1 is `DISTANCE_MS` of waiting away at every round trip, as a caller far from the database sees it. */
import { wrapDatabase } from './database.ts'
import { type Bindings, type Handler, replaceDatabase } from './handler.ts'

interface DistantBindings extends Bindings {
  readonly DISTANCE_MS: number
}

export function withDistance(target: Handler): Handler {
  let distantEnv: DistantBindings | undefined
  return {
    fetch(request, env, context) {
      const { DISTANCE_MS } = env as DistantBindings
      distantEnv ??= replaceDatabase(
        env as DistantBindings,
        wrapDatabase(env.DB, async (_, send) => {
          await scheduler.wait(DISTANCE_MS)
          return send()
        }),
      )
      return target.fetch(request, distantEnv, context)
    },
  }
}
