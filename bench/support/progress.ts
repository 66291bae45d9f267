/** Progress on standard error: one line that is rewritten on a terminal, a few lines elsewhere. */

/** Announces a step of `total` units. */
export function startProgress(title: string, total: number) {
  const { isTTY } = process.stderr
  const start = performance.now()
  let lastStep = -1
  const update = (done: number) => {
    const step = Math.floor((done / total) * (isTTY ? 100 : 4))
    if (step === lastStep) return
    lastStep = step
    const seconds = ((performance.now() - start) / 1000).toFixed(0)
    const line = `${title}: ${Math.floor((done / total) * 100)} %, ${seconds} s`
    process.stderr.write(isTTY ? `\r${line}` : `${line}\n`)
  }
  update(0)
  return {
    update,
    stop() {
      update(total)
      if (isTTY) process.stderr.write('\n')
    },
  }
}
