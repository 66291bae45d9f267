/**
 * The secrets of the OpenID provider, which outlive a start: its signing key, so that tokens and a Worker's cached keys
 * stay valid; the key of its cookies; the secret of each service account. The first start makes them at random.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { Advice } from './advice.ts'
import { resetCommand, shellPath } from './state-folder.ts'

/** The provider's secrets. */
export interface ProviderSecrets {
  /** The private signing keys, as a JWK Set. */
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly cookieKey: string
  /** The client secret of each service account, by its ID. */
  readonly serviceAccounts: Readonly<Record<string, string>>
}

/**
 * Reads the secrets from a file, or makes the file, readable only by its owner.
 * @throws Advice if this function did not write the file
 */
export async function loadProviderSecrets(
  file: string,
  serviceAccounts: readonly string[],
): Promise<ProviderSecrets> {
  const known = existsSync(file) ? readSecrets(file) : await makeSecrets()
  const secrets = {
    ...known,
    serviceAccounts: Object.fromEntries(
      serviceAccounts.map((id) => [id, known.serviceAccounts[id] ?? randomText()]),
    ),
  }
  writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 })
  return secrets
}

async function makeSecrets(): Promise<ProviderSecrets> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const kid = await calculateJwkThumbprint(jwk)
  const keys = [{ ...jwk, kid, alg: 'ES256', use: 'sig' }]
  return { jwks: { keys }, cookieKey: randomText(), serviceAccounts: {} }
}

function readSecrets(file: string): ProviderSecrets {
  try {
    const secrets = JSON.parse(readFileSync(file, 'utf8')) as ProviderSecrets
    if (secrets.jwks.keys.length > 0 && secrets.cookieKey && secrets.serviceAccounts) return secrets
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
  }
  const reset = resetCommand(dirname(file))
  throw new Advice(`${shellPath(file)} cannot be read. Remove the state: ${reset}`)
}

const randomText = () => randomBytes(32).toString('base64url')
