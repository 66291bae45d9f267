/**
 * The calls of a busy day: most are deletions that succeed; some find no user, some have no permission or no valid token.
 */
import type { Issuer } from '../../../dev/test-issuer.ts'
import { createKey } from '../../../dev/test-keys.ts'
import { createSeed } from '../../../dev/seeder.ts'
import { createFixture } from '../../support/fixture'
import type { Call } from '../../support/node/client'

/** A call and its expected status. */
export interface ExpectedCall {
  readonly kind: string
  readonly sent: Call
  readonly status: number
}

const USERS_AT_ONCE = 250

/** Creates a source of calls without end. */
export async function createMix(issuer: Issuer, db: D1Database) {
  const stranger = await createKey('ES256')
  let suspended = ''
  const fixture = await createFixture(db, (seed, { organizationID, administrators: group }) => {
    const options = { groups: [group], personOptions: { state: 'suspended' } } as const
    suspended = seed.member(organizationID, options).person.subject
  })
  const { organizationID, serviceAccount } = fixture
  const groups = [fixture.auditors, fixture.readers]
  const administrator = fixture.administrator.person.subject
  const auditor = fixture.auditor.person.subject

  /** Adds users to delete. @returns their IDs */
  async function createUsers(): Promise<string[]> {
    const more = createSeed()
    const added = Array.from({ length: USERS_AT_ONCE }, () =>
      more.member(organizationID, { groups }),
    )
    await more.save(db)
    return added.map(({ userID }) => userID)
  }

  let users = createUsers()
  let next = createUsers()
  let turn = 0
  let keyed: Promise<Call> = Promise.resolve({})

  /** The next user to delete. More are added before the last one is taken. */
  async function takeUser(): Promise<string> {
    const userID = (await users).pop()
    if (userID !== undefined) return userID
    users = next
    next = createUsers()
    return takeUser()
  }

  async function remove(subject: string, headers = {}): Promise<Call> {
    return { organizationID, userID: await takeUser(), token: await issuer.token(subject), headers }
  }
  const callAbsent = async (...args: Parameters<Issuer['token']>): Promise<Call> => ({
    organizationID,
    userID: 'absent',
    token: await issuer.token(...args),
  })
  const removeWithKey = () => (keyed = remove(administrator, { 'Idempotency-Key': `key-${turn}` }))
  const past = { exp: Math.floor(Date.now() / 1_000) - 60 }
  const forged = { key: stranger, header: { kid: issuer.keys[0].kid } }

  /** The kinds, each with its share of twenty calls and its status. */
  const kinds: readonly [string, number, number, () => Promise<Call>][] = [
    ['delete', 6, 200, () => remove(administrator)],
    ['by a service account', 1, 200, () => remove(serviceAccount)],
    ['with a key', 1, 200, removeWithKey],
    ['again with the key', 2, 200, () => keyed],
    ['absent', 3, 404, () => callAbsent(administrator)],
    ['not permitted', 2, 403, () => callAbsent(auditor)],
    ['expired', 1, 401, () => callAbsent(administrator, { claims: past })],
    ['forged', 1, 401, () => callAbsent(administrator, forged)],
    ['unknown key', 1, 401, () => callAbsent(administrator, { key: stranger })],
    ['suspended', 1, 401, () => callAbsent(suspended)],
    ['no route', 1, 404, async () => ({ path: '/nowhere' })],
  ]
  const turns = kinds.flatMap((kind) => Array.from({ length: kind[1] }, () => kind))

  return {
    /** The number of different kinds. */
    kinds: kinds.length,
    /** Makes the next call. */
    async next(): Promise<ExpectedCall> {
      const [kind, , status, make] = turns[turn % turns.length]!
      turn += 1
      return { kind, sent: await make(), status }
    },
  }
}
