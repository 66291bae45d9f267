/**
 * Signs an event in one of two forms: unchanged, with the headers of Standard Webhooks, or as a Security Event Token. Both
 * have the event's ID, the same in every attempt and copy, by which the receiver drops copies.
 */
import { SignJWT, type JWK } from 'jose'
import { Webhook } from 'standardwebhooks'

/** The members of an event (CloudEvents 1.0) that the listener reads. `subject` is the user's ID, absent if too long. */
export interface DeletionEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly time: string
  readonly subject?: string
}

/** The parts of the request. */
export type Signed = Required<Pick<RequestInit, 'headers' | 'body'>>

const SECRET = /^whsec_[^=]{32,86}=*$/ // 24 to 64 bytes

/** Signs with HMAC-SHA256 (Standard Webhooks 1.0) and each of the space-separated secrets. Throws if one is invalid. */
export function signWebhook(event: DeletionEvent, secrets: string): Signed {
  const now = new Date()
  const body = JSON.stringify(event)
  const signatures = secrets.split(' ').map((secret) => {
    if (!SECRET.test(secret)) throw new TypeError('not a secret of Standard Webhooks')
    return new Webhook(secret).sign(event.id, now, body)
  })
  const headers = {
    'Content-Type': 'application/cloudevents+json',
    'webhook-id': event.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': signatures.join(' '),
  }
  return { headers, body }
}

/** Signs the token of a deletion (RFC 8417; RFC 9967, 2.4.4), for a push by RFC 8935. Throws if the JWK is invalid. */
export async function signSecurityEventToken(
  { id, time, subject = '' }: DeletionEvent,
  privateKey: string,
  { issuer, audience }: Readonly<Record<'issuer' | 'audience', string>>,
): Promise<Signed> {
  const key = JSON.parse(privateKey) as JWK
  if (key.alg === undefined || key.d === undefined) throw new TypeError('not a private key')
  const body = await new SignJWT({
    txn: id,
    toe: Date.parse(time) / 1_000,
    sub_id: { format: 'scim', uri: `/Users/${encodeURIComponent(subject)}` },
    events: { 'urn:ietf:params:scim:event:prov:delete': {} },
  })
    .setProtectedHeader({ typ: 'secevent+jwt', alg: key.alg, ...(key.kid && { kid: key.kid }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(id)
    .setIssuedAt()
    .sign(key)
  return { headers: { 'Content-Type': 'application/secevent+jwt' }, body }
}
