/**
 * Asks whether a TCP port of 127.0.0.1 is free before anything is started, so that a busy one gets a sentence and not the
 * failure of whatever wanted it.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import getPort, { portNumbers } from 'get-port'
import { Advice } from './advice.ts'

/** The ports of `npm start`. */
export const DEFAULT_PORTS = { worker: 8787, issuer: 8788 } as const

/** A port that is wanted; 0 stands for any free one. */
export interface WantedPort {
  readonly port: number
  /** What it is for, in words. */
  readonly use: string
  /** The option that chooses another. */
  readonly option: string
}

/**
 * Refuses ports that somebody listens on.
 * @throws Advice that names each of them, and the options with free ones
 */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const complaints: string[] = []
  const options: string[] = []
  const taken = new Set<number>()
  for (const { port, use, option } of wanted) {
    const problem = taken.has(port) ? 'was asked for twice' : await findProblem(port)
    if (port !== 0) taken.add(port)
    if (problem === undefined) continue
    const free = await getPort({ port: portNumbers(8700, 8999), exclude: taken })
    taken.add(free)
    complaints.push(`Port ${port}, for the ${use}, ${problem}.`)
    options.push(`${option} ${free}`)
  }
  if (complaints.length === 0) return
  const choice = `Choose another: npm start -- ${options.join(' ')}`
  throw new Advice([...complaints, choice].join('\n'))
}

/** Why a port cannot be used; undefined if it can. */
async function findProblem(port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return 'is taken by another program'
    if (code === 'EACCES') return 'is not open to this user'
    return `cannot be used (${code})`
  } finally {
    server.close()
  }
  return (await isBlocked(port)) ? 'is one that browsers and fetch never connect to' : undefined
}

/** Whether the Fetch standard refuses a request to a free port before it connects ("bad port"): 6000, for example. */
async function isBlocked(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}`)
    return false
  } catch (error) {
    const { cause } = error as Error
    return cause instanceof Error && cause.message === 'bad port'
  }
}
