/**
 * Reads the options of `npm start` and `npm run reset`.
 */
import { parseArgs } from 'node:util'
import { Advice } from './advice.ts'
import { DEFAULT_STATE_FOLDER } from './state-folder.ts'

const DEFAULT_PORTS = { port: 8787, 'issuer-port': 8788, 'console-port': 8789 } as const

const USAGE = `Options, after \`npm start --\` or \`npm run reset --\`:
  --port <n>                 TCP port of the Worker (${DEFAULT_PORTS.port}; 0 takes a free one)
  --issuer-port <n>          TCP port of the OpenID provider (${DEFAULT_PORTS['issuer-port']}; 0 takes a free one)
  --console-port <n>         TCP port of the console (${DEFAULT_PORTS['console-port']}; 0 takes a free one)
  --state <folder>           the folder for the data (.state/default)
  --keep-last-administrator  run the Worker with KEEP_LAST_ADMINISTRATOR=true`

/**
 * Reads the options of a command line, with defaults.
 * @throws Advice with the list of all options if one is invalid, or for `--help`
 */
export function readOptions(args: string[]) {
  const { help, state, ...options } = parse(args)
  if (help) throw new Advice(USAGE)
  const readPort = (option: keyof typeof DEFAULT_PORTS) => {
    const value = options[option]
    if (value === undefined) return DEFAULT_PORTS[option]
    if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
    throw new Advice(`--${option} must be a TCP port from 0 to 65535, not "${value}".\n${USAGE}`)
  }
  return {
    ports: { worker: readPort('port'), issuer: readPort('issuer-port') },
    consolePort: readPort('console-port'),
    state: state ?? DEFAULT_STATE_FOLDER,
    keepLastAdministrator: options['keep-last-administrator'] ?? false,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
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
