/**
 * How an issuer's JWKS endpoint can answer: well, late, too much, or not at all. An endpoint is a function from request
 * to response that can be switched at any time and counts its requests. Runs in workerd (as `fetch` or a binding) and
 * in Node (behind node/jwks-server.ts).
 */

/** One answer of the endpoint; what it throws is a connection that breaks. */
export type JwksAnswer = (request: Request) => Response | Promise<Response>

/** An endpoint under a test's control. */
export interface JwksEndpoint {
  /** Every request that reached it, in order. */
  readonly requests: readonly Request[]
  /** How it answers from now on. */
  answer: JwksAnswer
  fetch(request: Request): Promise<Response>
}

/** An endpoint that answers so until told otherwise. */
export function createJwksEndpoint(answer: JwksAnswer): JwksEndpoint {
  const requests: Request[] = []
  return {
    requests,
    answer,
    async fetch(request) {
      requests.push(request)
      return this.answer(request)
    },
  }
}

/** A body, with status 200 and the type of a JWK Set unless told otherwise. */
export function withBody(body: BodyInit | null, init: ResponseInit = {}): JwksAnswer {
  const headers = { 'Content-Type': 'application/jwk-set+json' }
  return () => new Response(body, { headers, ...init })
}

/** Another status than 200, with a body that would be good. */
export function withStatus(status: number, body: string): JwksAnswer {
  return withBody(body, { status })
}

/** A redirect. */
export function redirectTo(url: string): JwksAnswer {
  return () => new Response(null, { status: 302, headers: { Location: url } })
}

/** No answer at all: the connection breaks. */
export const breakConnection: JwksAnswer = () => {
  throw new TypeError('Network connection lost.')
}

/** An answer that never begins. */
export const hang: JwksAnswer = () => new Promise<never>(() => {})

/** An answer that begins, and whose body never ends. */
export const hangInBody: JwksAnswer = () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"keys":[')),
  })
  return new Response(body)
}

/** Another answer, after some time. */
export function after(ms: number, answer: JwksAnswer): JwksAnswer {
  return async (request) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return answer(request)
  }
}

/** Another answer, held back until it is released. */
export function heldBack(answer: JwksAnswer): { answer: JwksAnswer; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    release: resolve,
    async answer(request) {
      await promise
      return answer(request)
    },
  }
}
