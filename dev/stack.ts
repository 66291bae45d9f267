/**
 * Starts the local stack: a real OpenID provider, and the Worker on local workerd with a migrated, seeded D1 on disk.
 */
import { join } from 'node:path'
import type { ClientMetadata } from 'oidc-provider'
import type { CryptoKeyPair } from 'openid-client'
import { identityWorker, writeIdentityConfig } from './identity-worker.ts'
import { buildWorker, bundle, listenOn, migrate, startWorkers } from './local-workers.ts'
import { requireFreePorts, type WantedPort } from './ports.ts'
import { loadProviderSecrets } from './provider-secrets.ts'
import { AUDIENCE, CLI, LATE_CLI, runProvider } from './provider.ts'
import { seed, serviceAccounts } from './seed-data.ts'
import { signIn, signInServiceAccount } from './sign-in.ts'
import { stateFolder, takeStateFolder } from './state-folder.ts'

export interface StackOptions {
  /** TCP ports on 127.0.0.1; 0 takes a free one. */
  readonly ports: { readonly worker: number; readonly issuer: number }
  /** The folder that keeps the data, the provider's keys and the tokens. */
  readonly state: string
  /** Variables of the Worker, such as CORS_ORIGINS; they override those that the stack sets. */
  readonly vars?: Readonly<Record<string, string>>
  /** Further ports that must be free; the message about busy ports names them too. */
  readonly otherPorts?: readonly WantedPort[]
  /** The queue to which the Worker sends deletion events (`DELETION_EVENTS`). With a queue, it sweeps each minute. */
  readonly eventQueue?: string
  /** Workers in the same runtime, which can bind to this one by its name. */
  readonly companions?: readonly Companion[]
  /** Further clients of the provider, such as a page that signs people in. */
  readonly clients?: readonly ClientMetadata[]
  /** Gets a line for each step of the start. */
  readonly onProgress?: (line: string) => void
  /** Gets each line that a Worker logs. */
  readonly onLog?: (line: string) => void
}

export interface Companion {
  /** Path of its wrangler configuration. */
  readonly configPath: string
  /** Variables that override those of the configuration. */
  readonly vars?: Readonly<Record<string, string>>
}

export type Stack = Awaited<ReturnType<typeof startStack>>

const SWEEP_INTERVAL_MS = 60_000
const nothing = () => undefined

/**
 * Starts the stack; resolves when it listens.
 * @throws Advice if a port or the state folder is taken, or if its content cannot be read
 */
export async function startStack(options: StackOptions) {
  const { ports, companions = [], eventQueue, onProgress = nothing, onLog = nothing } = options
  const state = stateFolder(options.state)
  const undo: (() => void | Promise<void>)[] = [takeStateFolder(state)]
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    await requireFreePorts([
      { port: ports.worker, use: 'Worker', option: '--port' },
      { port: ports.issuer, use: 'OpenID provider', option: '--issuer-port' },
      ...(options.otherPorts ?? []),
    ])

    const accounts = serviceAccounts.map(({ id }) => id)
    const secrets = await loadProviderSecrets(state.providerSecrets, accounts)
    const provider = await runProvider(ports.issuer, secrets, options.clients)
    undo.push(() => provider.stop())
    onProgress(`OpenID provider listens on ${provider.issuer}`)

    const vars = {
      TOKEN_ISSUER: provider.issuer,
      TOKEN_AUDIENCE: AUDIENCE,
      JWKS_URL: provider.jwksURL,
      ...options.vars,
    }
    const config = writeIdentityConfig(state.path, { vars })
    const build = join(state.builds, 'identity')
    const [, , ...others] = await Promise.all([
      bundle(config, build),
      migrate(config, state.databases),
      ...companions.map((worker, i) => buildCompanion(worker, join(state.builds, `${i}`))),
    ])
    onProgress('Worker is bundled, database is migrated')
    const queueProducers = eventQueue === undefined ? {} : { DELETION_EVENTS: eventQueue }
    const own = identityWorker(build, { vars, queueProducers, ...listenOn(ports.worker) })
    const runtime = await startWorkers({
      workers: [own, ...others],
      persistTo: state.databases,
      onLog,
      showErrors: true,
    })
    undo.push(() => runtime.stop())
    const workerURL = runtime.urlOf(own.name)
    onProgress(`Worker listens on ${workerURL.origin}`)

    const sweep = () => runtime.runCron(own.name)
    if (eventQueue !== undefined) {
      const timer = setInterval(() => {
        sweep().catch((error: unknown) => console.error('The sweep did not run:', error))
      }, SWEEP_INTERVAL_MS)
      undo.push(() => clearInterval(timer))
    }

    const database = await runtime.databaseOf(own.name)
    const seeded = await seed(database)
    onProgress(seeded ? 'Database is seeded' : 'Database keeps its data')

    const { issuer, jwksURL } = provider
    return {
      workerURL,
      issuer,
      jwksURL,
      audience: AUDIENCE,
      /** The addresses of the companions, in the order of the options. */
      companionURLs: others.map(({ name }) => runtime.urlOf(name)),
      /** The Worker's database, in the same runtime. */
      database,
      openDatabase: () => runtime.databaseOf(own.name),
      /** Runs the Worker's cron handler. */
      sweep,
      state,
      /** Gets an access token of a person, by the authorization code flow with PKCE; a key pair binds it (DPoP). */
      signIn: (subject: string, keyPair?: CryptoKeyPair) => signIn(issuer, subject, CLI, keyPair),
      /** As signIn, but the token is dated two hours back, so it expired an hour ago. */
      signInTwoHoursAgo: (subject: string) => signIn(issuer, subject, LATE_CLI),
      /** Gets an access token of a service account, by client credentials. */
      signInServiceAccount: (id: string) =>
        signInServiceAccount(issuer, id, secrets.serviceAccounts[id] ?? ''),
      /** Ends the runtime and the provider, and releases the state folder. */
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function buildCompanion({ configPath, vars }: Companion, folder: string) {
  const worker = await buildWorker(configPath, folder)
  return { ...worker, bindings: { ...worker.bindings, ...vars } }
}
