/**
 * The console: a page on a server of its own. It signs people in at the provider, shows the database, and calls the Worker
 * from another origin, as any front end does. For development only: this server gives out the database and tokens, so it
 * listens on loopback and serves its own page only.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { ClientMetadata } from 'oidc-provider'
import { rejectForeignHost, SCOPE } from '../provider.ts'
import { callers, organizations, people } from '../seed-data.ts'
import type { Stack } from '../stack.ts'
import { buildAssets, type Asset } from './assets.ts'
import { TABLES, type DeletionEvent, type Settings, type Snapshot } from './protocol.ts'

const CLIENT_ID = 'console'
const ADVICE =
  'Wait a few seconds. If it goes on, stop "npm start" with Ctrl-C and start it again.\n'

/** What the console needs of the local stack, and where it listens. */
export interface ConsoleOptions {
  /** TCP port on 127.0.0.1, the same as for `consoleOrigin`. */
  readonly port: number
  readonly stack: Pick<
    Stack,
    | 'workerURL'
    | 'issuer'
    | 'audience'
    | 'companionURLs'
    | 'openDatabase'
    | 'signInTwoHoursAgo'
    | 'signInServiceAccount'
  >
  /** Whether the Worker runs with KEEP_LAST_ADMINISTRATOR; the page then offers that refusal, too. */
  readonly keepsLastAdministrator?: boolean
}

/** A console that listens. */
export interface RunningConsole {
  readonly origin: string
  stop(): Promise<void>
}

/** The origin of the page, which the Worker's CORS_ORIGINS has to name. */
export function consoleOrigin(port: number): string {
  return `http://127.0.0.1:${port}`
}

/** The page as a client of the OpenID provider: public, with PKCE. */
export function consoleClient(port: number): ClientMetadata {
  return {
    client_id: CLIENT_ID,
    client_name: 'Identity console',
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`${consoleOrigin(port)}/`],
  }
}

/** Starts the page's server; resolves when it listens. */
export async function startConsole(options: ConsoleOptions): Promise<RunningConsole> {
  const origin = consoleOrigin(options.port)
  const respond = responder(options, await buildAssets())
  const server = createServer((request, response) => void respond(request, response))
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function responder(options: ConsoleOptions, assets: ReadonlyMap<string, Asset>) {
  const { port, stack } = options
  const origin = consoleOrigin(port)
  const headers = headersFor(stack)
  const failures = new Map<string, string>()

  const find = async (request: string): Promise<Asset | undefined> => {
    switch (request) {
      case 'GET /settings':
        return json(describe(options))
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
    if (rejectForeignHost(request, response, origin)) return
    const send = (status: number, { type, body }: Asset) =>
      response.writeHead(status, { ...headers, 'Content-Type': type }).end(body)
    if ((request.headers.origin ?? origin) !== origin) {
      return void send(403, text(`Only the page at ${origin} can use this server.\n`))
    }
    const asked = `${request.method} ${request.url?.split('?')[0]}`
    try {
      const found = await find(asked)
      send(found === undefined ? 404 : 200, found ?? text('There is no such page.\n'))
      failures.delete(asked)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // The page asks every two seconds; one line is enough.
      if (failures.get(asked) !== message) console.error(`Console: ${asked} failed: ${message}`)
      failures.set(asked, message)
      send(503, text(ADVICE))
    }
  }
}

/** Every row of every table that the page shows, in one transaction, and the events that the listener got. */
async function readSnapshot({ openDatabase, companionURLs }: ConsoleOptions['stack']) {
  const database = await openDatabase() // each time, because a stub does not survive a restart of workerd
  const [outbox, ...results] = await database.batch(
    ['deletion_outbox', ...TABLES].map((table) => database.prepare(`SELECT * FROM ${table}`)),
  )
  const tables = TABLES.map((table, index) => [table, results[index]?.results ?? []])
  const listener = companionURLs.at(-1) ?? ''
  const events = (await (await fetch(listener)).json()) as DeletionEvent[]
  const pendingEvents = outbox?.results.length ?? 0
  return { ...Object.fromEntries(tables), events, pendingEvents } as Snapshot
}

function describe({ stack, keepsLastAdministrator = false }: ConsoleOptions): Settings {
  const accounts = organizations.flatMap(({ serviceAccounts }) => serviceAccounts)
  return {
    worker: stack.workerURL.origin,
    issuer: stack.issuer,
    audience: stack.audience,
    scope: `openid ${SCOPE}`,
    clientID: CLIENT_ID,
    people: people.map(({ subject, name }) => ({ subject, name })),
    administrator: callers.administrator,
    serviceAccount: accounts.find(({ id }) => id === callers.serviceAccount) ?? {
      id: '',
      name: '',
    },
    keepsLastAdministrator,
  }
}

/** The page may reach itself, the Worker and the provider; no other page may read a response of this server. */
function headersFor({ workerURL, issuer }: ConsoleOptions['stack']): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      'img-src data:',
      `connect-src 'self' ${workerURL.origin} ${issuer}`,
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
