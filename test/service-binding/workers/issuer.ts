/**
 * An issuer that is a Worker itself: it serves its key set under the host that its configuration names, and logs who
 * asks.
 */
interface IssuerEnv {
  readonly HOST: string
  readonly JWKS: string
}

export default {
  fetch(request: Request, { HOST, JWKS }: IssuerEnv): Response {
    console.log(JSON.stringify({ message: 'issuer', url: request.url }))
    const { host, pathname } = new URL(request.url)
    if (host !== HOST || pathname !== '/jwks') return new Response(null, { status: 404 })
    return new Response(JWKS, { headers: { 'Content-Type': 'application/jwk-set+json' } })
  },
}
