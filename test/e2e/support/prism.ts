/**
 * Prism as a validating proxy: it forwards each request to the Worker and compares request and answer with
 * docs/openapi.yaml. Its complaints come in a header of the answer.
 */
import { once } from 'node:events'
import getPort from 'get-port'
import { startTool } from './tools'

/** A complaint of Prism. */
export interface Violation {
  /** `request` or `response`, and where in it. */
  readonly location: readonly string[]
  readonly message: string
}

/** A proxy that listens. */
export interface Prism {
  readonly url: URL
  stop(): Promise<void>
}

/** Starts Prism before an upstream; resolves when it listens. */
export async function startPrism(upstream: URL): Promise<Prism> {
  const port = await getPort({ host: '127.0.0.1' })
  const options = ['--port', String(port), '--cors=false'] // else Prism answers preflights itself
  const child = startTool('prism', ['proxy', 'docs/openapi.yaml', upstream.origin, ...options])
  const ended = once(child, 'exit')
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += String(chunk)
        if (output.includes('Prism is listening')) resolve()
      })
    }
    ended.then(() => reject(new Error(`Prism ended:\n${output}`)), reject)
  })
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    async stop() {
      child.kill()
      await ended
    },
  }
}

/** What Prism complains of in an answer that came through it. */
export function readViolations(headers: Headers): readonly Violation[] {
  return JSON.parse(headers.get('sl-violations') ?? '[]') as readonly Violation[]
}
