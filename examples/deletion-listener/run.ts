/**
 * The listener beside a fresh local stack: an administrator deletes a user, and the event goes to a receiver that fails
 * at first.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callers } from '../../dev/seed-data.ts'
import { startStack } from '../../dev/stack.ts'
import { startReceiver, verifyWebhook } from './run/receiver.ts'

const USER_ID = 'lumen-dara'

/** Runs the example; `state` is the folder of its data. */
export async function run(state: string, check: (holds: boolean, what: string) => void) {
  console.log('A receiver that fails at first, a fresh stack on free ports, and the listener …')
  const random = crypto.getRandomValues(new Uint8Array(32))
  const secret = `whsec_${Buffer.from(random).toString('base64')}`
  const receiver = await startReceiver(verifyWebhook(secret), ({ id, attempt }) => {
    return new Response(null, { status: id === undefined ? 401 : attempt === 1 ? 503 : 204 })
  })
  receiver.addUser(USER_ID)
  const failures: string[] = []
  const stack = await startStack({
    ports: { worker: 0, issuer: 0 },
    state,
    eventQueue: 'identity-deletions',
    companions: [
      {
        configPath: join(import.meta.dirname, 'wrangler.toml'),
        vars: { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: secret },
      },
    ],
    onProgress: (line) => console.log(`  ${line}`),
    onLog: (line) => void (line.includes('"delivery_failed"') && failures.push(line)),
  })

  console.log('Ada Berg, administrator, deletes Dara Flynn, who has a seat at the receiver …')
  const path = `/api/v1/organizations/lumen/users/${USER_ID}`
  const headers = { Authorization: `Bearer ${await stack.signIn(callers.administrator)}` }
  const { status } = await fetch(new URL(path, stack.workerURL), { method: 'DELETE', headers })
  check(status === 200, `DELETE ${path}: ${status}`)

  console.log('The listener passes the event on, and tries again after a delay …')
  const end = Date.now() + 30_000
  while (receiver.deliveries.length < 2 && Date.now() < end) await sleep(100)
  const pending = await stack.database.prepare('SELECT count(*) AS n FROM deletion_outbox').first()
  await stack.stop()
  receiver.stop()

  for (const { id, attempt, headers } of receiver.deliveries) {
    check(id !== undefined, `attempt ${attempt}: the signature is valid`)
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      console.log(`      ${name}: ${String(headers[name])}`)
    }
  }
  const [first, second] = receiver.deliveries
  for (const text of [first?.body ?? '{}', ...failures]) {
    console.log(JSON.stringify(JSON.parse(text), null, 2).replaceAll(/^/gm, '      '))
  }
  check(first !== undefined && second?.body === first.body, 'both attempts have the same event')
  check(receiver.accepted.length === 1, 'the receiver accepts it once')
  check(pending?.['n'] === 0, 'no event waits in the outbox')
  check(!receiver.seats().taken.includes(USER_ID), `the seat of ${USER_ID} is free`)
}
