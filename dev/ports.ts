/**
 * Asks whether a TCP port of 127.0.0.1 is free before anything is started, so that a busy one gets a sentence and not the
 * failure of whatever wanted it.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import getPort, { portNumbers } from 'get-port'
import { Advice } from './advice.ts'

/**
 * Refuses a port that somebody listens on; 0 stands for any free port and always passes.
 * @param use what the port is for, in words
 * @param option the option that chooses another port
 * @throws Advice that names the port and a free one
 */
export async function requireFreePort(port: number, use: string, option: string): Promise<void> {
  if (port === 0) return
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    const free = await getPort({ host: '127.0.0.1', port: portNumbers(8700, 8999) })
    throw new Advice(
      `Port ${port}, for the ${use}, ${reasonOf(error)}.\n` +
        `Choose another: npm start -- ${option} ${free}`,
      { cause: error },
    )
  } finally {
    server.close()
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') return 'is taken by another program'
  if (code === 'EACCES') return 'is not open to this user'
  return `cannot be used (${code})`
}
