/**
 * Announces a step of `total` units on standard error: one line that is rewritten on a terminal, a few lines elsewhere.
 * Returns the function to call with the number of finished units.
 */
export function startProgress(title: string, total: number): (done: number) => void {
  const { isTTY } = process.stderr
  const start = performance.now()
  let lastStep = -1
  const update = (done: number) => {
    const step = Math.floor((done / total) * (isTTY ? 100 : 4))
    if (step === lastStep) return
    lastStep = step
    const seconds = ((performance.now() - start) / 1000).toFixed(0)
    const line = `${title}: ${Math.floor((done / total) * 100)} %, ${seconds} s`
    process.stderr.write(isTTY && done < total ? `\r${line}` : `${isTTY ? '\r' : ''}${line}\n`)
  }
  update(0)
  return update
}
