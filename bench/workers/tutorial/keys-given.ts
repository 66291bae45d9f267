/** The tutorial Worker with the issuer's keys written into it: what is left of the difference without key fetches. */
import { createApp } from './app.ts'

export default createApp('given')
