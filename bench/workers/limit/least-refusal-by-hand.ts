/** The least refusal, its token verified by hand. */
import { createRefusal } from './refusal.ts'
import { verifyByHand } from './verify-by-hand.ts'

export default createRefusal(verifyByHand)
