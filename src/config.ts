/**
 * Parses and validates the environment into `Config`, with every default. Never logs a value.
 */
import { parseCorsOrigins, type CorsOrigins } from './cors'
import { IdentityError } from './errors'

/**
 * The bindings and variables of the Worker. Not generated, so that a Worker that imports it gets the same type in its own
 * program.
 */
export interface Environment {
  readonly DB: D1Database
  /** The issuer as a service, for an issuer that a fetch from a Worker cannot reach. */
  readonly ISSUER?: Fetcher
  /** The queue that deletion events are sent to. */
  readonly DELETION_EVENTS?: Queue
  readonly TOKEN_ISSUER: string
  readonly TOKEN_AUDIENCE: string
  readonly JWKS_URL: string
  readonly TOKEN_TYPE: string
  readonly TOKEN_ALGORITHMS: string
  readonly REQUIRED_SCOPE: string
  readonly CORS_ORIGINS: string
  readonly KEEP_LAST_ADMINISTRATOR: string
  readonly MEMBERS_MAY_LEAVE: string
  readonly RECORD_GROUPS: string
  readonly DPOP: string
  readonly DELETION_RECORD_DAYS: string
}

/** The algorithms that may sign a token or a proof: asymmetric, and supported by the runtime (RFC 7518, RFC 8037, RFC 9864). */
export const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const DPOP_MODES = ['accept', 'require'] as const

/** `accept`: bound tokens need a proof, others are bearer tokens. `require`: every token must be bound (RFC 9449). */
export type DpopMode = (typeof DPOP_MODES)[number]

/** A valid configuration. */
export interface Config {
  readonly database: D1Database
  /** The `iss` claim of a token. */
  readonly issuer: string
  /** A member of the `aud` claim of a token. */
  readonly audience: string
  readonly jwksURL: string
  /** The binding that carries the fetch of the keys; undefined if the network does. */
  readonly issuerService: Fetcher | undefined
  /** The `typ` of a token's header; undefined if tokens must have none. */
  readonly tokenType: string | undefined
  readonly algorithms: readonly string[]
  readonly requiredScope: string | undefined
  readonly keepLastAdministrator: boolean
  readonly membersMayLeave: boolean
  readonly recordGroups: boolean
  /** Undefined if bound tokens are refused, with and without a proof. */
  readonly dpop: DpopMode | undefined
  /** The queue that deletion events are sent to; undefined if there are no events. */
  readonly deletionEvents: Queue | undefined
  /** Days after which a deletion record is removed; undefined if all are kept. */
  readonly deletionRecordDays: number | undefined
}

/**
 * The configuration of an environment.
 *
 * @throws IdentityError `configuration` with the name of the first variable or binding that is missing or invalid
 */
export function readConfig(env: Environment): Config {
  if (typeof env.DB?.batch !== 'function') throw invalid('DB')
  if (env.ISSUER !== undefined && typeof env.ISSUER?.fetch !== 'function') throw invalid('ISSUER')
  if (env.DELETION_EVENTS !== undefined && typeof env.DELETION_EVENTS?.sendBatch !== 'function') {
    throw invalid('DELETION_EVENTS')
  }
  if (readCorsOrigins(env) === undefined) throw invalid('CORS_ORIGINS')
  const dpop = readDpopMode(env)
  if (readVariable(env, 'DPOP') !== dpop) throw invalid('DPOP')
  return {
    database: env.DB,
    issuer: readRequired(env, 'TOKEN_ISSUER'),
    audience: readRequired(env, 'TOKEN_AUDIENCE'),
    jwksURL: readJwksURL(env),
    issuerService: env.ISSUER,
    tokenType: readTokenType(env),
    algorithms: readAlgorithms(env),
    requiredScope: readMatch(env, 'REQUIRED_SCOPE', SCOPE_TOKEN),
    keepLastAdministrator: readFlag(env, 'KEEP_LAST_ADMINISTRATOR'),
    membersMayLeave: readFlag(env, 'MEMBERS_MAY_LEAVE'),
    recordGroups: readFlag(env, 'RECORD_GROUPS'),
    dpop,
    deletionEvents: env.DELETION_EVENTS,
    deletionRecordDays: readDays(env, 'DELETION_RECORD_DAYS'),
  }
}

/** The origins in `CORS_ORIGINS`, also if another variable is invalid; undefined if this one is. */
export function readCorsOrigins(env: Environment): CorsOrigins | undefined {
  const value: unknown = env.CORS_ORIGINS ?? ''
  return typeof value === 'string' ? parseCorsOrigins(value) : undefined
}

/** The mode in `DPOP`, also if another variable is invalid; undefined if this one is not set, or invalid. */
export function readDpopMode({ DPOP }: Environment): DpopMode | undefined {
  const value: unknown = DPOP
  return DPOP_MODES.find((mode) => typeof value === 'string' && mode === value.trim())
}

/** RFC 6838, 4.2: a restricted name, with or without the part before the slash. */
const MEDIA_TYPE = /^(?:[a-z0-9][\w!#$&^.+-]*\/)?[a-z0-9][\w!#$&^.+-]*$/i

/** RFC 6749, 3.3: scope-token. Other characters would end the quoted text in a challenge. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

type Variable = Exclude<keyof Environment, 'DB' | 'ISSUER' | 'DELETION_EVENTS'>

function invalid(detail: keyof Environment): IdentityError {
  return new IdentityError('configuration', { detail })
}

/** White space around a value is not part of it, and an empty value counts as not set. */
function readVariable(env: Environment, name: Variable): string | undefined {
  const value: unknown = env[name] ?? ''
  if (typeof value !== 'string') throw invalid(name)
  return value.trim() || undefined
}

function readRequired(env: Environment, name: Variable): string {
  const value = readVariable(env, name)
  if (value === undefined) throw invalid(name)
  return value
}

function readMatch(env: Environment, name: Variable, pattern: RegExp): string | undefined {
  const value = readVariable(env, name)
  if (value !== undefined && !pattern.test(value)) throw invalid(name)
  return value
}

/** A flag, `false` if not set. A value is a boolean in TOML, and a text with `--var`. */
function readFlag(env: Environment, name: Variable): boolean {
  const value: unknown = env[name]
  if (typeof value === 'boolean') return value
  return readMatch(env, name, /^(?:true|false)$/) === 'true'
}

/** A whole number of days, at least 1. A value is an integer in TOML, and a text with `--var`. */
function readDays(env: Environment, name: Variable): number | undefined {
  const value: unknown = env[name]
  const text = typeof value === 'number' ? String(value) : readVariable(env, name)
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || Number(text) < 1) throw invalid(name)
  return Number(text)
}

/** `none`, which is no registered type, is for issuers whose access tokens have no type (Okta, Amazon Cognito). */
function readTokenType(env: Environment): string | undefined {
  const type = readMatch(env, 'TOKEN_TYPE', MEDIA_TYPE) ?? 'at+jwt'
  return type === 'none' ? undefined : type
}

function readAlgorithms(env: Environment): readonly string[] {
  const value = readVariable(env, 'TOKEN_ALGORITHMS')
  if (value === undefined) return ALGORITHMS
  const algorithms = value.split(',').map((item) => item.trim())
  const known: readonly string[] = ALGORITHMS
  if (!algorithms.every((item) => known.includes(item))) throw invalid('TOKEN_ALGORITHMS')
  return algorithms
}

function readJwksURL(env: Environment): string {
  const url = URL.parse(readRequired(env, 'JWKS_URL'))
  if (url === null || url.username !== '' || url.password !== '') throw invalid('JWKS_URL')
  const mayUseHTTP = env.ISSUER !== undefined || isLoopback(url)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayUseHTTP)) {
    throw invalid('JWKS_URL')
  }
  return url.href
}

function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}
