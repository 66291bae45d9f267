/**
 * A JWKS endpoint that keeps its requests, and the responses that it can be given at any time. Runs in workerd (as `fetch`
 * or a binding) and in Node (behind node/jwks-server.ts).
 */

/** Makes one response. An exception breaks the connection. */
export type JwksResponder = (request: Request) => Response | Promise<Response>

export type JwksEndpoint = ReturnType<typeof createJwksEndpoint>

export function createJwksEndpoint(respond: JwksResponder) {
  return {
    /** Every request, in order. */
    requests: [] as Request[],
    /** Makes the responses from now on. */
    respond,
    async fetch(request: Request): Promise<Response> {
      this.requests.push(request)
      return this.respond(request)
    },
  }
}

/** A body, by default with status 200 and the type of a JWK Set. */
export function withBody(body: BodyInit | null, init: ResponseInit = {}): JwksResponder {
  const headers = { 'Content-Type': 'application/jwk-set+json' }
  return () => new Response(body, { headers, ...init })
}

export function withStatus(status: number, body: string): JwksResponder {
  return withBody(body, { status })
}

export function redirectTo(url: string): JwksResponder {
  return () => new Response(null, { status: 302, headers: { Location: url } })
}

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

export function after(ms: number, respond: JwksResponder): JwksResponder {
  return async (request) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return respond(request)
  }
}

/** A response that waits until it is released. */
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
