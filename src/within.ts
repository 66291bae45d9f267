/**
 * How long is something waited for? A limit in time on any promise. It stops nothing: what is waited for goes on.
 */

/**
 * What `promise` resolves to, or what `late` gives instead (or throws) once `ms` milliseconds have passed.
 */
export async function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  let isOver = false
  // Never cleared, which takes longer than setting it does: the runtime drops the timers of a request that has ended.
  const timeout = new Promise<void>((resolve) => setTimeout(resolve, ms)).then(() =>
    isOver ? promise : late(),
  )
  try {
    return await Promise.race([promise, timeout])
  } finally {
    isOver = true
  }
}
