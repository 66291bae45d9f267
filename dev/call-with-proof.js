/**
 * Calls the Worker with a token that is bound to a key and a proof of that key (DPoP, RFC 9449). `npm start` prints how
 * to use it. Runs on Node 20 and newer.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importJWK, SignJWT } from 'jose'

const [url, tokenFile, keyFile] = process.argv.slice(2)
if (keyFile === undefined) {
  console.error('Usage: node dev/call-with-proof.js URL TOKEN_FILE KEY_FILE')
  process.exit(2)
}
const token = readFileSync(tokenFile, 'utf8')
const privateKey = JSON.parse(readFileSync(keyFile, 'utf8'))
const { d: _, ...publicKey } = privateKey

const ath = createHash('sha256').update(token).digest('base64url')
const proof = await new SignJWT({ htm: 'DELETE', htu: url, ath })
  .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey })
  .setJti(randomUUID())
  .setIssuedAt()
  .sign(await importJWK(privateKey, 'ES256'))

const headers = { Authorization: `DPoP ${token}`, DPoP: proof }
const response = await fetch(url, { method: 'DELETE', headers })
console.log(`HTTP/1.1 ${response.status} ${response.statusText}`)
for (const [name, value] of response.headers) console.log(`${name}: ${value}`)
console.log(`\n${await response.text()}`)
