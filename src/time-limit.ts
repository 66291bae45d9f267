/**
 * Puts a time limit on a promise. It does not stop the work: that goes on after the limit.
 */

/**
 * The result of `promise`, or of `onTimeout` if `promise` has not settled within `ms` milliseconds.
 *
 * @param onTimeout returns a replacement or throws
 */
export function limitTime<T>(promise: Promise<T>, ms: number, onTimeout: () => T): Promise<T> {
  const timeout = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    const clear = () => clearTimeout(timer)
    promise.then(clear, clear)
  }).then(onTimeout)
  return Promise.race([promise, timeout])
}
