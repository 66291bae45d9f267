/** Does nothing: what HTTP, the loopback and the runtime cost before any product has done its first step. */
export default {
  fetch(): Response {
    return new Response(null)
  },
}
