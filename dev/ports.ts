/**
 * Asks whether a TCP port of 127.0.0.1 is free before anything is started, so that a busy one gets a sentence and not the
 * failure of whatever wanted it.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import getPort, { portNumbers } from 'get-port'
import { Advice } from './advice.ts'

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

/** Why a port cannot be listened on; nothing where it can. */
async function findProblem(port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return 'is taken by another program'
    if (code === 'EACCES') return 'is not open to this user'
    return `cannot be used (${code})`
  } finally {
    server.close()
  }
}
