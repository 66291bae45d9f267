/** Whether a promise has not settled 50 ms from now. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  const timer = new Promise((resolve) => setTimeout(resolve, 50, pending))
  return (await Promise.race([promise, timer])) === pending
}
