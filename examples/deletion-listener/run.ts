/**
 * `npm run example deletion-listener`: the listener beside a fresh local stack. An administrator deletes a user, and the
 * event goes to a receiver that fails at first. Ends with 0 only if all of it was as it should be.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callers } from '../../dev/seed-data.ts'
import { startStack } from '../../dev/stack.ts'
import { startReceiver, verifyWebhook, type Delivery } from './run/receiver.ts'

const USER_ID = 'lumen-dara'

const folder = mkdtempSync(join(tmpdir(), 'identity-example-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

function check(isRight: boolean, what: string): void {
  console.log(`  ${isRight ? '✓' : '✗'} ${what}`)
  if (!isRight) process.exitCode = 1
}

function print({ headers, attempt, id }: Delivery): void {
  check(id !== undefined, `attempt ${attempt}: the signature is valid`)
  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    console.log(`      ${name}: ${String(headers[name])}`)
  }
}

const printJSON = (text: string) =>
  console.log(JSON.stringify(JSON.parse(text), null, 2).replaceAll(/^/gm, '    '))

/** Waits until the receiver has so many requests; after 30 s, the checks say what is missing. */
async function waitForDeliveries(count: number): Promise<void> {
  const end = Date.now() + 30_000
  while (receiver.deliveries.length < count && Date.now() < end) await sleep(100)
}

console.log('A receiver that fails at first, a fresh stack on free ports, and the listener …')
const secret = `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')}`
const receiver = await startReceiver(verifyWebhook(secret), ({ id, attempt }) => {
  return new Response(null, { status: id === undefined ? 401 : attempt === 1 ? 503 : 204 })
})
receiver.addUser(USER_ID)
const log: string[] = []
const stack = await startStack({
  ports: { worker: 0, issuer: 0 },
  state: folder,
  eventQueue: 'identity-deletions',
  companions: [
    {
      configPath: join(import.meta.dirname, 'wrangler.toml'),
      vars: { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: secret },
    },
  ],
  onProgress: (line) => console.log(`  ${line}`),
  onLog: (line) => log.push(line),
})

console.log('Ada Berg, administrator, deletes Dara Flynn, who has a seat at the receiver …')
const path = `/api/v1/organizations/lumen/users/${USER_ID}`
const headers = { Authorization: `Bearer ${await stack.signIn(callers.administrator)}` }
const { status } = await fetch(new URL(path, stack.workerURL), { method: 'DELETE', headers })
check(status === 200, `DELETE ${path}: ${status}`)

console.log('The listener passes the event on …')
await waitForDeliveries(1)
for (const delivery of receiver.deliveries) {
  printJSON(delivery.body)
  print(delivery)
}
check(receiver.seats.taken.includes(USER_ID), 'the receiver responds with 503, so the seat stays')

console.log('The listener tries again after a delay …')
await waitForDeliveries(2)
const pending = await stack.database.prepare('SELECT count(*) AS n FROM deletion_outbox').first()
await stack.stop()
receiver.stop()
log.filter((line) => line.includes('"delivery_failed"')).forEach(printJSON)
const [first, second] = receiver.deliveries
if (second !== undefined) print(second)
check(second?.body === first?.body, 'it is the same event, with the same ID')
check(receiver.accepted.length === 1, 'the receiver responds with 204')
check(pending?.['n'] === 0, 'no event waits in the outbox')
check(!receiver.seats.taken.includes(USER_ID), `the seat of ${USER_ID} is free`)
