/** The least deletion, its token verified by hand. */
import { createDeletion } from './deletion.ts'
import { verifyByHand } from './verify-by-hand.ts'

export default createDeletion(verifyByHand)
