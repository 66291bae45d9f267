/**
 * The Identity Worker as the local stack, the tests and the measurements run it. Takes the main file, the compatibility
 * date and the flags from wrangler.toml, and nothing else: the values of an operator have no effect.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'smol-toml'
import { Advice } from './advice.ts'
import type { LocalWorker } from './local-workers.ts'
import { ROOT } from './wrangler.ts'

/** A value of a variable, as TOML writes it. */
export type Value = string | number | boolean

/** Every variable that the Worker reads, with the value that stands for "not set". */
export const VARIABLES = {
  TOKEN_ISSUER: '',
  TOKEN_AUDIENCE: '',
  JWKS_URL: '',
  TOKEN_TYPE: '',
  TOKEN_ALGORITHMS: '',
  REQUIRED_SCOPE: '',
  CORS_ORIGINS: '',
  KEEP_LAST_ADMINISTRATOR: 'false',
  MEMBERS_MAY_LEAVE: 'false',
  RECORD_GROUPS: 'false',
  DELETION_RECORD_DAYS: '',
  DPOP: '',
} as const satisfies Readonly<Record<string, Value>>

/** The local database. Workers with the same ID share it: the ID decides the name of the file on disk. */
export const DATABASE = { DB: '00000000-0000-0000-0000-000000000000' } as const

const { main, compatibility_date, compatibility_flags, minify, keep_names } = readCode()

/** The compatibility date and flags of the Worker, as miniflare names them. */
export const compatibility = {
  compatibilityDate: compatibility_date,
  compatibilityFlags: compatibility_flags,
} as const

/** The settings of the bundle, as esbuild names them. */
export const bundling = { minify, keepNames: keep_names } as const

/** Options of one Identity Worker: miniflare's, such as `serviceBindings`, and its variables. */
export type IdentityOptions = Partial<Omit<LocalWorker, 'bindings'>> & {
  /** Variables; all others are not set. */
  readonly vars?: Readonly<Record<string, Value>>
}

/** The Identity Worker from the folder of its bundle. Its name is `identity`, unless the options have a name. */
export function identityWorker(bundle: string, { vars, ...options }: IdentityOptions): LocalWorker {
  return {
    name: 'identity',
    modulesRoot: bundle,
    modules: [{ type: 'ESModule', path: join(bundle, 'index.js') }],
    ...compatibility,
    d1Databases: DATABASE,
    ...options,
    bindings: { ...VARIABLES, ...vars },
  } as LocalWorker
}

/** Differences from the Worker of the checkout; paths are relative to the folder of the configuration. */
export interface IdentityConfig {
  readonly vars?: Readonly<Record<string, Value>>
  readonly main?: string
  readonly migrations?: string
  /** Further environments, as wrangler names them. */
  readonly env?: Readonly<Record<string, unknown>>
}

/**
 * Writes the same Worker as a configuration for wrangler.
 * @returns the path of the file, `wrangler.json` in the folder
 */
export function writeIdentityConfig(folder: string, changes: IdentityConfig = {}): string {
  const file = join(folder, 'wrangler.json')
  const config = {
    name: 'identity',
    main: changes.main ?? resolve(ROOT, main),
    compatibility_date,
    compatibility_flags,
    minify,
    keep_names,
    vars: { ...VARIABLES, ...changes.vars },
    d1_databases: [
      {
        binding: 'DB',
        database_name: 'identity',
        database_id: DATABASE.DB,
        migrations_dir: changes.migrations ?? join(ROOT, 'migrations'),
      },
    ],
    env: changes.env,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, JSON.stringify(config, null, 2))
  return file
}

function readCode() {
  try {
    return parse(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')) as {
      main: string
      compatibility_date: string
      compatibility_flags: string[]
      minify: boolean
      keep_names: boolean
    }
  } catch (error) {
    throw new Advice(`wrangler.toml cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
