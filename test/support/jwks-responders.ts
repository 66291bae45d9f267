/**
 * How an issuer's JWKS endpoint can respond: well, late, too much, or not at all. An endpoint is a function from request
 * to response that can be switched at any time and counts its requests. Runs in workerd (as `fetch` or a binding) and
 * in Node (behind node/jwks-server.ts).
 */

/** Makes one response; what it throws is a connection that breaks. */
export type JwksResponder = (request: Request) => Response | Promise<Response>

/** An endpoint under a test's control. */
export interface JwksEndpoint {
  /** Every request that reached it, in order. */
  readonly requests: readonly Request[]
  /** How it responds from now on. */
  respond: JwksResponder
  fetch(request: Request): Promise<Response>
}

/** Creates an endpoint with its first responder. */
export function createJwksEndpoint(respond: JwksResponder): JwksEndpoint {
  const requests: Request[] = []
  return {
    requests,
    respond,
    async fetch(request) {
      requests.push(request)
      return this.respond(request)
    },
  }
}

/** A body, with status 200 and the type of a JWK Set unless told otherwise. */
export function withBody(body: BodyInit | null, init: ResponseInit = {}): JwksResponder {
  const headers = { 'Content-Type': 'application/jwk-set+json' }
  return () => new Response(body, { headers, ...init })
}

/** Another status than 200, with a valid body. */
export function withStatus(status: number, body: string): JwksResponder {
  return withBody(body, { status })
}

/** A redirect. */
export function redirectTo(url: string): JwksResponder {
  return () => new Response(null, { status: 302, headers: { Location: url } })
}

/** No response: the connection breaks. */
export const breakConnection: JwksResponder = () => {
  throw new TypeError('Network connection lost.')
}

/** A response that never begins. */
export const hang: JwksResponder = () => new Promise<never>(() => {})

/** A response whose body never ends. */
export const hangInBody: JwksResponder = () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"keys":[')),
  })
  return new Response(body)
}

/** Another response, after some time. */
export function after(ms: number, respond: JwksResponder): JwksResponder {
  return async (request) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return respond(request)
  }
}

/** Another response, held back until it is released. */
export function heldBack(respond: JwksResponder): { respond: JwksResponder; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    release: resolve,
    async respond(request) {
      await promise
      return respond(request)
    },
  }
}
