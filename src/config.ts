/**
 * What was it told? The environment's variables as one checked, readonly Config, with every default in this place.
 * Wrong configuration is an IdentityError that names the variable and never shows its value. Bindings stay in the
 * environment: they are read at each request and never kept.
 */
import { IdentityError } from './errors'

/**
 * Bindings and variables. Written out, so that this is the same type in the program of a Worker that binds to this one,
 * where the global `Env` is that Worker's; a type check holds it and the generated `Env` together.
 */
export interface Environment {
  readonly DB: D1Database
  /** The issuer as a service, where a Worker could not reach its host by a fetch. */
  readonly ISSUER?: Fetcher
  readonly TOKEN_ISSUER: string
  readonly TOKEN_AUDIENCE: string
  readonly JWKS_URL: string
  readonly TOKEN_TYPE: string
  readonly TOKEN_ALGORITHMS: string
  readonly REQUIRED_SCOPE: string
  readonly CORS_ORIGINS: string
  readonly KEEP_LAST_ADMINISTRATOR: string
}

/** The algorithms that may sign a token: asymmetric ones that the runtime verifies (RFC 7518, RFC 8037, RFC 9864). */
export const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

/** Origins whose pages may read answers: some by name, or every one. */
export type CorsOrigins = ReadonlySet<string> | '*'

/** What a deletion needs to know. */
export interface Config {
  readonly issuer: string
  readonly audience: string
  readonly jwksURL: string
  /** The `typ` of a token's header; undefined where tokens must have none. */
  readonly tokenType: string | undefined
  readonly algorithms: readonly string[]
  readonly requiredScope: string | undefined
  readonly keepLastAdministrator: boolean
}

/** The outcome of reading an environment: a page of a named origin can read an answer also while the rest is wrong. */
export interface Settings {
  readonly corsOrigins: CorsOrigins
  readonly config: Config | IdentityError
}

const settingsOf = new WeakMap<Environment, Settings>()

/** The settings of an environment, parsed and checked once for each environment object. Never throws for wrong values. */
export function readSettings(env: Environment): Settings {
  let settings = settingsOf.get(env)
  if (settings === undefined) {
    const corsOrigins = attempt(() => parseCorsOrigins(env))
    const config = attempt(() => parseConfig(env))
    settings =
      corsOrigins instanceof IdentityError
        ? { corsOrigins: new Set(), config: corsOrigins }
        : { corsOrigins, config }
    settingsOf.set(env, settings)
  }
  return settings
}

function attempt<T>(parse: () => T): T | IdentityError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof IdentityError) return error
    throw error
  }
}

function parseConfig(env: Environment): Config {
  if (typeof env.DB?.batch !== 'function') throw wrong('DB')
  if (env.ISSUER !== undefined && typeof env.ISSUER?.fetch !== 'function') throw wrong('ISSUER')
  return {
    issuer: required(env, 'TOKEN_ISSUER'),
    audience: required(env, 'TOKEN_AUDIENCE'),
    jwksURL: parseJwksURL(env),
    tokenType: parseTokenType(env),
    algorithms: parseAlgorithms(env),
    requiredScope: parse(env, 'REQUIRED_SCOPE', undefined, (scope) => SCOPE_TOKEN.test(scope)),
    keepLastAdministrator: parseFlag(env, 'KEEP_LAST_ADMINISTRATOR'),
  }
}

/** RFC 6838, 4.2: restricted-name, with or without the part before the slash. */
const MEDIA_TYPE = /^(?:[a-z0-9][\w!#$&^.+-]*\/)?[a-z0-9][\w!#$&^.+-]*$/i

/** RFC 6749, 3.3: scope-token; what else there is would break out of the quotes of a challenge. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

type Variable = Exclude<keyof Environment, 'DB' | 'ISSUER'>

function wrong(name: keyof Environment): IdentityError {
  return new IdentityError('configuration', name)
}

/** White space around a value is not part of it, and an empty value counts as not set. */
function read(env: Environment, name: Variable): string | undefined {
  const value: unknown = env[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw wrong(name)
  return value.trim() === '' ? undefined : value.trim()
}

function required(env: Environment, name: Variable): string {
  const value = read(env, name)
  if (value === undefined) throw wrong(name)
  return value
}

function parse<D>(env: Environment, name: Variable, whenUnset: D, isRight: (v: string) => boolean) {
  const value = read(env, name)
  if (value === undefined) return whenUnset
  if (!isRight(value)) throw wrong(name)
  return value
}

function list(value: string): string[] {
  return value.split(',').map((item) => item.trim())
}

/** `none`, which is no media type in use, is for issuers whose access tokens say no type (Okta, Amazon Cognito). */
function parseTokenType(env: Environment): string | undefined {
  const type = parse(env, 'TOKEN_TYPE', 'at+jwt', (value) => MEDIA_TYPE.test(value))
  return type === 'none' ? undefined : type
}

function parseAlgorithms(env: Environment): readonly string[] {
  const algorithms = list(read(env, 'TOKEN_ALGORITHMS') ?? ALGORITHMS.join())
  const known: readonly string[] = ALGORITHMS
  if (!algorithms.every((algorithm) => known.includes(algorithm))) throw wrong('TOKEN_ALGORITHMS')
  return algorithms
}

/** TOML has booleans, and `--var` has text only; the text "false" must not be truthy. */
function parseFlag(env: Environment, name: Variable): boolean {
  const value: unknown = env[name]
  if (typeof value === 'boolean') return value
  return parse(env, name, 'false', (flag) => flag === 'true' || flag === 'false') === 'true'
}

function parseJwksURL(env: Environment): string {
  const url = URL.parse(required(env, 'JWKS_URL'))
  if (url === null || url.username !== '' || url.password !== '') throw wrong('JWKS_URL')
  const overHTTP = url.protocol === 'http:' && (env.ISSUER !== undefined || isLoopback(url))
  if (url.protocol !== 'https:' && !overHTTP) throw wrong('JWKS_URL')
  return url.href
}

function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
}

function parseCorsOrigins(env: Environment): CorsOrigins {
  const value = read(env, 'CORS_ORIGINS')
  if (value === undefined) return new Set()
  if (value === '*') return '*'
  const origins = list(value)
  if (!origins.every(isOrigin)) throw wrong('CORS_ORIGINS')
  return new Set(origins)
}

/**
 * Whether a text is exactly an origin as browsers send it (Fetch, "serialized origin"): no path, slash or capital. The
 * URL standard lets a host have an asterisk, but no origin has one: it would let nobody in.
 */
function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.host === '' || url.host.includes('*')) return false
  return text === `${url.protocol}//${url.host}` && text === text.toLowerCase()
}
