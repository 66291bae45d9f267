/**
 * A page to look at the local stack with, on a server of its own: sign in at the provider, see the database as it is, and
 * call the Worker from another origin as any front end would. For development alone: the Worker gets no route for it, and
 * whoever reaches this server reads the database and gets tokens, so it listens on loopback and answers no other page.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { ClientMetadata } from 'oidc-provider'
import { SCOPE } from '../provider.ts'
import { cast, organizations, people } from '../seed-data.ts'
import type { Stack } from '../stack.ts'
import { buildAssets, type Asset } from './assets.ts'
import type { Settings } from './protocol.ts'
import { readSnapshot } from './snapshot.ts'

const CLIENT_ID = 'console'

/** What the page shows and uses of a stack. */
type ConsoleStack = Pick<
  Stack,
  'workerURL' | 'issuer' | 'audience' | 'database' | 'signInTwoHoursAgo' | 'signInServiceAccount'
>

/** How a console is to be. */
export interface ConsoleOptions {
  /** TCP port on 127.0.0.1, as it was given to `consoleOrigin`. */
  readonly port: number
  readonly stack: ConsoleStack
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
    client_name: 'The console',
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
  const assets = await buildAssets()
  const server = createServer((request, response) => {
    answer(request, response, assets, options).catch((error: unknown) => {
      console.error('The console could not answer:', error)
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
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

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  assets: ReadonlyMap<string, Asset>,
  options: ConsoleOptions,
): Promise<void> {
  const { port, stack } = options
  // A name that somebody points at 127.0.0.1 (DNS rebinding), or another page that posts: neither is this page.
  const origin = consoleOrigin(port)
  const foreign = request.headers.origin !== undefined && request.headers.origin !== origin
  if (`http://${request.headers.host}` !== origin || foreign) {
    response.writeHead(403).end(`This server answers its own page alone: ${origin}\n`)
    return
  }
  const path = new URL(request.url ?? '/', origin).pathname
  switch (`${request.method} ${path}`) {
    case 'GET /settings':
      return sendJSON(response, describe(options))
    case 'GET /snapshot':
      return sendJSON(response, await readSnapshot(stack.database))
    case 'POST /tokens/expired':
      return sendJSON(response, { token: await stack.signInTwoHoursAgo(cast.administrator) })
    case 'POST /tokens/service-account':
      return sendJSON(response, { token: await stack.signInServiceAccount(cast.serviceAccount) })
  }
  const asset = request.method === 'GET' ? assets.get(path) : undefined
  if (asset === undefined) {
    response.writeHead(404).end('There is no such page\n')
    return
  }
  response.writeHead(200, { ...headers(options), 'Content-Type': asset.type }).end(asset.body)
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
    expiredSubject: cast.administrator,
    serviceAccount: accounts.find(({ id }) => id === cast.serviceAccount) ?? { id: '', name: '' },
    keepsLastAdministrator,
  }
}

/** The page may reach itself, the Worker and the provider, and nothing else. */
function headers({ stack }: ConsoleOptions): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      `connect-src 'self' ${stack.workerURL.origin} ${stack.issuer}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  }
}

function sendJSON(response: ServerResponse, value: unknown): void {
  response
    .writeHead(200, { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' })
    .end(JSON.stringify(value))
}
