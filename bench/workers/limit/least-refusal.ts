/** The least refusal, its token verified by jose. */
import { createRefusal } from './refusal.ts'
import { verifyByJose } from './verify-by-jose.ts'

export default createRefusal(verifyByJose)
