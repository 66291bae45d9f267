/**
 * How long is something waited for? A limit in time on any promise. It stops nothing: what is waited for goes on.
 */

/**
 * What `promise` resolves to, or what `late` gives instead (or throws) once `ms` milliseconds have passed.
 *
 * @param late is called also where `promise` has settled since, and must do no harm then
 */
export function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  // Never cleared, which takes longer than setting it does: the runtime drops the timers of a request that has ended.
  const timeout = new Promise<void>((resolve) => setTimeout(resolve, ms)).then(late)
  return Promise.race([promise, timeout])
}
