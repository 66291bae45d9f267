/**
 * Reads the options of `npm start` and `npm run reset`. An invalid one gets a sentence and the list of all options.
 */
import { parseArgs } from 'node:util'
import { Advice } from './advice.ts'
import { DEFAULT_PORTS } from './ports.ts'
import { DEFAULT_STATE_FOLDER } from './state-folder.ts'

/** What the command line says, with defaults. */
export interface Options {
  readonly ports: { readonly worker: number; readonly issuer: number }
  readonly consolePort: number
  readonly state: string
  readonly keepLastAdministrator: boolean
}

const CONSOLE_PORT = 8789

const USAGE = `Options, after \`npm start --\` or \`npm run reset --\`:
  --port <n>                 TCP port of the Worker (${DEFAULT_PORTS.worker}; 0 takes a free one)
  --issuer-port <n>          TCP port of the OpenID provider (${DEFAULT_PORTS.issuer}; 0 takes a free one)
  --console-port <n>         TCP port of the console (${CONSOLE_PORT}; 0 takes a free one)
  --state <folder>           where the data is kept (.state/default)
  --keep-last-administrator  run the Worker with KEEP_LAST_ADMINISTRATOR=true`

/**
 * The options of a command line.
 * @throws Advice if one is invalid, or if help is asked for
 */
export function readOptions(args: readonly string[]): Options {
  const { port, state, help, ...others } = parse(args)
  if (help) throw new Advice(USAGE)
  return {
    ports: {
      worker: readPort('--port', port, DEFAULT_PORTS.worker),
      issuer: readPort('--issuer-port', others['issuer-port'], DEFAULT_PORTS.issuer),
    },
    consolePort: readPort('--console-port', others['console-port'], CONSOLE_PORT),
    state: state ?? DEFAULT_STATE_FOLDER,
    keepLastAdministrator: others['keep-last-administrator'] ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        'issuer-port': { type: 'string' },
        'console-port': { type: 'string' },
        'keep-last-administrator': { type: 'boolean' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new Advice(`${(error as Error).message}\n${USAGE}`, { cause: error })
  }
}

function readPort(option: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
  throw new Advice(`${option} is a TCP port from 0 to 65535, and not "${value}".\n${USAGE}`)
}
