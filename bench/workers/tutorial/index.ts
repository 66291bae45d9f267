/** The tutorial Worker: its middleware fetches the JWKS, as Hono's documents show. */
import { createApp } from './app.ts'

export default createApp('fetched')
