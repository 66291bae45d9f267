/** What is going on, while it goes on: a bar on a terminal, plain lines elsewhere. Standard error, so that results can be piped. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  readonly update: (done: number) => void
  readonly stop: () => void
}

const PLAIN_STEPS = 5

/** Announces a step of `total` units. */
export function startProgress(title: string, total: number): Progress {
  return process.stderr.isTTY ? startBar(title, total) : startLines(title, total)
}

function startBar(title: string, total: number): Progress {
  const bar = new SingleBar({
    format: `${title.padEnd(34)} {bar} {percentage}% | {duration_formatted}`,
    barsize: 30,
    hideCursor: true,
    clearOnComplete: false,
  })
  bar.start(total, 0)
  return {
    update: (done) => bar.update(done),
    stop: () => {
      bar.update(total)
      bar.stop()
    },
  }
}

function startLines(title: string, total: number): Progress {
  const start = performance.now()
  let step = 0
  const seconds = () => ((performance.now() - start) / 1000).toFixed(0)
  process.stderr.write(`${title} …\n`)
  return {
    update(done) {
      const next = Math.floor((done / total) * PLAIN_STEPS)
      if (next > step && next < PLAIN_STEPS) {
        process.stderr.write(`  ${Math.round((done / total) * 100)} % after ${seconds()} s\n`)
        step = next
      }
    },
    stop: () => process.stderr.write(`  done in ${seconds()} s\n`),
  }
}
