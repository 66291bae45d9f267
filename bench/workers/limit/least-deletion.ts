/** The least deletion, its token verified by jose. */
import { createDeletion } from './deletion.ts'
import { verifyByJose } from './verify-by-jose.ts'

export default createDeletion(verifyByJose)
