/**
 * The console: a page that signs people in at the provider, shows the database, and calls the Worker from another
 * origin, as any front end does. For development only: this server gives out the database and tokens, so it listens on
 * loopback and serves its own page only.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import getPort from 'get-port'
import { readTables } from '../database.ts'
import { serve } from '../loopback-server.ts'
import { SCOPE } from '../provider.ts'
import { callers, people, serviceAccounts } from '../seed-data.ts'
import { startStack, type Stack, type StackOptions } from '../stack.ts'
import { buildAssets, type Asset } from './assets.ts'
import type { DeletionEvent, Settings, Snapshot } from './protocol.ts'

const CLIENT_ID = 'console'
const LISTENER = join(import.meta.dirname, 'listener/wrangler.toml')
const ADVICE =
  'Wait a few seconds. If it goes on, stop "npm start" with Ctrl-C and start it again.\n'

export interface StackWithConsoleOptions extends StackOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly consolePort: number
  /** Whether the Worker runs with KEEP_LAST_ADMINISTRATOR. */
  readonly keepLastAdministrator?: boolean
}

/** A stack and its console, which end together. */
export type StackWithConsole = Awaited<ReturnType<typeof startStackWithConsole>>

/**
 * Starts the stack and the console; resolves when they respond.
 * @throws Advice as startStack does
 */
export async function startStackWithConsole({
  consolePort,
  keepLastAdministrator = false,
  ...options
}: StackWithConsoleOptions) {
  // The Worker and the provider need the page's origin when they start.
  const port = consolePort === 0 ? await getPort({ host: '127.0.0.1' }) : consolePort
  const consoleOrigin = `http://127.0.0.1:${port}`
  const stack = await startStack({
    ...options,
    otherPorts: [{ port, use: 'console', option: '--console-port' }],
    clients: [
      {
        client_id: CLIENT_ID,
        client_name: 'Identity console',
        application_type: 'web',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: [`${consoleOrigin}/`],
      },
    ],
    eventQueue: 'identity-deletions',
    companions: [{ configPath: LISTENER }],
    vars: {
      CORS_ORIGINS: consoleOrigin,
      KEEP_LAST_ADMINISTRATOR: String(keepLastAdministrator),
      MEMBERS_MAY_LEAVE: 'true',
      RECORD_GROUPS: 'true',
      DPOP: 'accept', // the page binds its tokens to a key
    },
  })
  try {
    const assets = await buildAssets()
    const settings = describe(stack, keepLastAdministrator)
    const server = await serve(port, (origin) => createListener(origin, stack, settings, assets))
    options.onProgress?.(`Console listens on ${consoleOrigin}`)
    return {
      ...stack,
      consoleOrigin,
      async stop() {
        await server.stop()
        await stack.stop()
      },
    }
  } catch (error) {
    await stack.stop()
    throw error
  }
}

function createListener(
  origin: string,
  stack: Stack,
  settings: Settings,
  assets: ReadonlyMap<string, Asset>,
) {
  const headers = headersFor(settings)
  const failures = new Map<string, string>()

  const find = async (request: string): Promise<Asset | undefined> => {
    switch (request) {
      case 'GET /settings':
        return json(settings)
      case 'GET /snapshot':
        return json(await readSnapshot(stack))
      case 'POST /tokens/expired':
        return json({ token: await stack.signInTwoHoursAgo(callers.administrator) })
      case 'POST /tokens/service-account':
        return json({ token: await stack.signInServiceAccount(callers.serviceAccount) })
      default:
        return assets.get(request.replace(/^GET /, ''))
    }
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = (status: number, { type, body }: Asset) =>
      response.writeHead(status, { ...headers, 'Content-Type': type }).end(body)
    if ((request.headers.origin ?? origin) !== origin) {
      return void send(403, text(`Only the page at ${origin} can use this server.\n`))
    }
    const requested = `${request.method} ${request.url?.split('?')[0]}`
    try {
      const found = await find(requested)
      send(found === undefined ? 404 : 200, found ?? text('There is no such page.\n'))
      failures.delete(requested)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // The page repeats the request every two seconds; one line is enough.
      if (failures.get(requested) !== message) {
        console.error(`Console: ${requested} failed: ${message}`)
      }
      failures.set(requested, message)
      send(503, text(ADVICE))
    }
  }
}

async function readSnapshot(stack: Stack): Promise<Snapshot> {
  const database = await stack.openDatabase() // each time, because a stub does not survive a restart of workerd
  const tables = await readTables(database)
  const listener = await fetch(stack.companionURLs[0] ?? '')
  return { ...tables, events: (await listener.json()) as DeletionEvent[] }
}

function describe(stack: Stack, keepsLastAdministrator: boolean): Settings {
  return {
    worker: stack.workerURL.origin,
    issuer: stack.issuer,
    audience: stack.audience,
    scope: `openid ${SCOPE}`,
    clientID: CLIENT_ID,
    people: people.map(({ subject, name }) => ({ subject, name })),
    administrator: callers.administrator,
    serviceAccount: serviceAccounts.find(({ id }) => id === callers.serviceAccount)!,
    keepsLastAdministrator,
  }
}

/** The page may reach itself, the Worker and the provider; no other page may read a response of this server. */
function headersFor({ worker, issuer }: Settings): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      'img-src data:',
      `connect-src 'self' ${worker} ${issuer}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  }
}

const json = (value: unknown): Asset => ({ type: 'application/json', body: JSON.stringify(value) })
const text = (body: string): Asset => ({ type: 'text/plain; charset=utf-8', body })
