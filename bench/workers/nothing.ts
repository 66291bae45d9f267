/** Does nothing: shows what HTTP, the loopback and the runtime cost. */
export default {
  fetch(): Response {
    return new Response(null)
  },
}
