/**
 * Runs one piece of work at a time for any number of concurrent requests.
 *
 * On Workers a promise belongs to the request that made it. If that request is cancelled, its promise may never settle,
 * and a request that awaits it never ends: https://github.com/panva/jose/issues/355,
 * https://github.com/panva/jose/issues/509. So each request waits with its own timer. When that ends, it starts the work itself.
 */
import { limitTime } from './time-limit'

/** Work that concurrent requests share. */
export interface SharedRun {
  /** Whether a run is in progress. A run older than the limit does not count: its request is gone. */
  isRunning(): boolean
  /** Joins the run in progress, or starts `work`. Rejects if the `work` that it started does. */
  join(work: () => Promise<void>): Promise<void>
}

/** @param limitMs milliseconds; longer than a run can take */
export function createSharedRun(limitMs: number): SharedRun {
  let run: { readonly promise: Promise<void>; readonly startedAt: number } | undefined
  let runsEnded = 0

  function findRun(): Promise<void> | undefined {
    return run !== undefined && Date.now() - run.startedAt < limitMs ? run.promise : undefined
  }

  async function hasEnded(promise: Promise<void>): Promise<boolean> {
    return limitTime(
      promise.then(() => true),
      limitMs,
      () => false,
    )
  }

  async function start(work: () => Promise<void>): Promise<void> {
    const promise = work().finally(() => {
      runsEnded += 1
      if (run?.promise === promise) run = undefined
    })
    run = { promise, startedAt: Date.now() }
    await promise
  }

  return {
    isRunning: () => findRun() !== undefined,
    async join(work) {
      const endedBefore = runsEnded
      const first = findRun()
      if (first !== undefined && (await hasEnded(first))) return
      // Several waiters can time out together. The first starts a new run; the rest join it, or return if it has ended.
      const second = findRun()
      if (second !== undefined && second !== first && (await hasEnded(second))) return
      if (runsEnded === endedBefore) await start(work)
    },
  }
}
