/**
 * Warms isolates up before anything is timed: each gets the same number of requests of its own kind, several at once
 * since that is quick. It takes more than a thousand until V8 has compiled all that such a Worker runs, and the more
 * code a Worker has the longer; rounds with lukewarm isolates would measure that.
 */
import { shuffle } from 'simple-statistics'
import { load } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'
import type { Kind } from './rounds.ts'

const CONCURRENCY = 16
const CHUNK = 240

/** @param chunk how many requests can be prepared at a time */
export async function warmUp(
  kinds: readonly Kind[],
  requests: number,
  chunk = CHUNK,
): Promise<void> {
  const isolates = kinds.flatMap((kind) => kind.origins.map((origin) => ({ kind, origin })))
  const progress = startProgress('warm up', isolates.length)
  let warm = 0
  for (const { kind, origin } of shuffle(isolates)) {
    const wanted = Math.ceil(requests / (kind.every ?? 1))
    for (let sent = 0; sent < wanted; sent += chunk) {
      const specs = await kind.prepare(Math.min(chunk, wanted - sent))
      await load(origin, specs, kind.status, CONCURRENCY)
    }
    progress.update((warm += 1))
  }
  progress.stop()
}
