/**
 * How long is something waited for? A limit in time on any promise. It stops nothing: what is waited for goes on.
 */

/**
 * What `promise` resolves to, or what `late` gives instead (or throws) once `ms` milliseconds have passed.
 */
export async function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  let timer = 0
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  }).then(late)
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
