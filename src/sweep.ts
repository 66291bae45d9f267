/**
 * The cron handler: sends the events that are still in the outbox, and removes old deletion records. Never throws: the
 * log line names what failed, and the next sweep tries again.
 */
import { readConfig, type Environment } from './config'
import { makeIDPrefix, query, type PendingDeletion } from './database'
import { logDeferral, makeMessage, removeEvents, trySend, type Message } from './deletion-events'
import { toIdentityError } from './errors'
import { nameReason } from './log'
import { removeOldRecords, selectPending } from './statements'

/** The last step and the single sends, of 10 s each, end within 60 s. */
const LAST_STEP_MS = 40_000
const DAY_MS = 24 * 60 * 60 * 1_000
/** Younger events are sent behind the response of their deletion. */
const MIN_AGE_MS = 30_000
/** A queue takes 256 KB in one call. */
const MAX_STEP_BYTES = 200_000
/** Limits of subrequests: https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const MAX_STEPS = 300
const MAX_SINGLE_SENDS = 300

/** The values that the statements bind. Times are Unix milliseconds, `IDs` is a JSON list. */
export interface SweepValues {
  readonly after?: string
  readonly before?: string
  readonly deletedBefore?: number
  readonly IDs?: string
}

/** What a sweep did; `pending` are the events that it could not send. */
type Progress = { sent: number; pending: number; purged: number; cause?: string }

/** Runs one sweep. Writes a log line if it did something, or if something failed. */
export async function sweep(env: Environment): Promise<void> {
  const progress: Progress = { sent: 0, pending: 0, purged: 0 }
  const endsAt = Date.now() + LAST_STEP_MS
  try {
    const { database, deletionEvents, deletionRecordDays } = readConfig(env)
    if (deletionEvents !== undefined) await sendPending(database, deletionEvents, progress, endsAt)
    if (deletionRecordDays !== undefined) {
      await purge(database, deletionRecordDays, progress, endsAt)
    }
  } catch (thrown) {
    progress.cause = nameReason(toIdentityError(thrown))
  }
  if (Object.values(progress).some(Boolean)) {
    console.log(JSON.stringify({ message: 'sweep', ...progress }))
  }
}

async function sendPending(
  database: D1Database,
  queue: Queue,
  progress: Progress,
  endsAt: number,
): Promise<void> {
  let singleSendsLeft = MAX_SINGLE_SENDS
  let sample: (Message & { readonly rank: number })[] = []

  async function sendSample(): Promise<number> {
    const sends = sample.map(async (message) => {
      const cause = await trySend(() => queue.send(message.body))
      if (cause !== undefined) logDeferral(message.id, cause)
      return cause === undefined ? [message] : []
    })
    ;[sample, singleSendsLeft] = [[], singleSendsLeft - sends.length]
    const sent = (await Promise.all(sends)).flat()
    await removeEvents(database, sent)
    progress.sent += sent.length
    progress.pending -= sent.length
    return sent.length
  }

  let steps = 0
  for await (const step of readSteps(database)) {
    const cause = await trySend(() => queue.sendBatch(step.map(({ body }) => ({ body }))))
    if (cause === undefined) {
      await removeEvents(database, step)
      progress.sent += step.length
    } else {
      progress.pending += step.length
      progress.cause = cause
      // Random ranks: over some sweeps each event of a failed step is sent by itself.
      for (const message of step) sample.push({ ...message, rank: Math.random() })
      sample = sample.toSorted((a, b) => a.rank - b.rank).slice(0, singleSendsLeft)
      if (cause === 'queue_timeout' && (await sendSample()) === 0) break
    }
    if ((steps += 1) === MAX_STEPS || Date.now() > endsAt) break
  }
  await sendSample()
}

/** Reads the pending events in steps. A queue takes each step in one call. Removes IDs without a record: they have no event. */
async function* readSteps(database: D1Database): AsyncGenerator<Message[]> {
  const deletedBefore = Date.now() - MIN_AGE_MS
  for (let after = ''; ;) {
    const values = { after, deletedBefore }
    const rows = await query<PendingDeletion>(database, selectPending, values)
    const last = rows.results.at(-1)
    if (last === undefined) return
    after = last.id
    const orphans = rows.results.filter(({ deletedAt }) => deletedAt === null)
    await removeEvents(database, orphans)
    let [step, bytes]: [Message[], number] = [[], 0]
    for (const deletion of rows.results) {
      if (deletion.deletedAt === null) continue
      const message = makeMessage(deletion)
      if (bytes + message.bytes > MAX_STEP_BYTES) {
        yield step
        ;[step, bytes] = [[], 0]
      }
      step.push(message)
      bytes += message.bytes
    }
    if (step.length > 0) yield step
  }
}

/** Removes the records that are strictly older than the limit, unless their event is pending. */
async function purge(
  database: D1Database,
  days: number,
  progress: Progress,
  endsAt: number,
): Promise<void> {
  const deletedBefore = Date.now() - days * DAY_MS
  if (deletedBefore < 0) return
  const values = { before: makeIDPrefix(deletedBefore), deletedBefore }
  while (Date.now() < endsAt) {
    const { meta } = await query(database, removeOldRecords, values)
    if (meta.changes === 0) return
    progress.purged += meta.changes
  }
}
