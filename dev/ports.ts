/**
 * Checks TCP ports of 127.0.0.1 before a stack starts, so that a busy port is named.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import getPort, { portNumbers } from 'get-port'
import { Advice } from './advice.ts'

/** A port that a stack needs; 0 stands for any free one. */
export interface WantedPort {
  readonly port: number
  /** What it is for, in words. */
  readonly use: string
  /** The option that chooses another. */
  readonly option: string
}

/** @throws Advice that names the ports that cannot be used, and the options with free ones */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const problems: string[] = []
  const options: string[] = []
  const taken = new Set<number>()
  for (const { port, use, option } of wanted) {
    const problem = taken.has(port) ? 'is given twice' : await findProblem(port)
    if (port !== 0) taken.add(port)
    if (problem === undefined) continue
    const free = await getPort({ port: portNumbers(8700, 8999), exclude: taken })
    taken.add(free)
    problems.push(`Port ${port}, for the ${use}, ${problem}.`)
    options.push(`${option} ${free}`)
  }
  if (problems.length === 0) return
  throw new Advice([...problems, `Choose another: npm start -- ${options.join(' ')}`].join('\n'))
}

/** Why a port cannot be used; undefined if it can. */
async function findProblem(port: number): Promise<string | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${code})`
  } finally {
    server.close()
  }
  // The Fetch standard blocks some ports, such as 6000.
  const failure: unknown = await fetch(`http://127.0.0.1:${port}`).catch(({ cause }) => cause)
  const isBlocked = failure instanceof Error && failure.message === 'bad port'
  return isBlocked ? 'is one that browsers and fetch never connect to' : undefined
}
