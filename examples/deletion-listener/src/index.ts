/**
 * Consumes the queue of deletion events and sends each one to a webhook. An event that the webhook does not accept is sent
 * again after a growing delay; after the last attempt, or if no attempt can help, it goes to the dead-letter queue.
 */
import { chooseDelay, deliver, type ListenerEnv } from './deliver'

async function handle(message: Message, env: ListenerEnv): Promise<void> {
  const { body, attempts: attempt } = message
  const failure = await deliver(body, env)
  if (failure === undefined) return message.ack()
  const { isFinal, retryAfter = 0, ...facts } = failure
  const isMoved = isFinal && (await env.DEAD_LETTERS?.send(body).then(Boolean, () => false))
  const delaySeconds = isMoved ? undefined : chooseDelay(attempt, retryAfter)
  if (delaySeconds === undefined) message.ack()
  else message.retry({ delaySeconds }) // after the last attempt, into the dead-letter queue
  const { id: eventID } = Object(body) as { readonly id?: unknown }
  const line = { message: 'delivery_failed', eventID, attempt, ...facts, delaySeconds }
  console.log(JSON.stringify(line))
}

export default {
  async queue({ messages }, env) {
    await Promise.all(messages.map((message) => handle(message, env)))
  },
} satisfies ExportedHandler<ListenerEnv>
