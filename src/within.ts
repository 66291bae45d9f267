/**
 * How long is something waited for? A limit in time on any promise. It stops nothing: what is waited for goes on.
 */

/**
 * What `promise` resolves to, or what `late` gives instead (or throws) once `ms` milliseconds have passed.
 */
export function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(Promise.resolve().then(late)), ms)
    void promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
