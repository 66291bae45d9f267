/**
 * The calls of a busy day: most of them good, some in vain, some with tokens that are not. Each says what its right
 * answer is.
 */
import type { Issuer } from '../../support/issuer'
import { createKey } from '../../support/keys'
import type { Call } from '../../support/node/client'
import { createSeed, type State } from '../../support/seed'

/** A call and its right answer. */
export interface ExpectedCall {
  readonly kind: string
  readonly sent: Call
  readonly status: number
}

/** A source of calls without end. */
export interface Mix {
  /** The next call. */
  next(): Promise<ExpectedCall>
}

const USERS_AT_ONCE = 250

interface Staff {
  readonly organizationID: string
  readonly administrator: string
  readonly serviceAccount: string
  readonly auditor: string
  readonly suspended: string
  /** What every other user is in. */
  readonly groups: readonly string[]
}

async function createStaff(db: D1Database): Promise<Staff> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const auditors = seed.group(organizationID, ['auditor'])
  const subjectIn = (groups: readonly string[], state?: State): string =>
    seed.member(organizationID, { groups, personOptions: state === undefined ? {} : { state } })
      .person.subject
  const staff = {
    organizationID,
    administrator: subjectIn([administrators]),
    serviceAccount: seed.serviceAccount(organizationID, [administrators]),
    auditor: subjectIn([auditors]),
    suspended: subjectIn([administrators], 'suspended'),
    groups: [auditors, seed.group(organizationID, ['reader'])],
  }
  await seed.save(db)
  return staff
}

/** Writes users who are there to be deleted. @returns their IDs */
async function createUsers(db: D1Database, { organizationID, groups }: Staff): Promise<string[]> {
  const seed = createSeed()
  const users = Array.from({ length: USERS_AT_ONCE }, () => seed.member(organizationID, { groups }))
  await seed.save(db)
  return users.map(({ userID }) => userID)
}

/** The kinds, each as often as it comes in twenty calls. */
const KINDS = [
  ['delete', 6],
  ['by a service account', 1],
  ['with a key', 1],
  ['again with the key', 2],
  ['absent', 3],
  ['not permitted', 2],
  ['expired', 1],
  ['forged', 1],
  ['unknown key', 1],
  ['suspended', 1],
  ['nowhere', 1],
] as const

type Kind = (typeof KINDS)[number][0]

const TURNS = KINDS.flatMap(([kind, count]) => Array.from({ length: count }, (): Kind => kind))

/** A mix for this issuer and database. */
export async function createMix(issuer: Issuer, db: D1Database): Promise<Mix> {
  const stranger = await createKey('ES256')
  const forged = { key: stranger, header: { kid: issuer.keys[0].kid } }
  const past = { exp: Math.floor(Date.now() / 1_000) - 60 }
  const staff = await createStaff(db)
  const { organizationID, administrator, auditor, suspended, serviceAccount } = staff
  let users = createUsers(db, staff)
  let next = createUsers(db, staff)
  let turn = 0
  let keyed: Promise<Call> | undefined

  /** The next user to go; those after the last one are written while others still go. */
  async function takeUser(): Promise<string> {
    const userID = (await users).pop()
    if (userID !== undefined) return userID
    users = next
    next = createUsers(db, staff)
    return takeUser()
  }

  async function remove(subject: string): Promise<Call> {
    return { organizationID, userID: await takeUser(), token: await issuer.token(subject) }
  }

  async function removeWithKey(key: string): Promise<Call> {
    return { ...(await remove(administrator)), headers: { 'Idempotency-Key': key } }
  }

  async function make(kind: Kind): Promise<readonly [Call, number]> {
    const absent = { organizationID, userID: 'absent' }
    switch (kind) {
      case 'delete':
        return [await remove(administrator), 200]
      case 'by a service account':
        return [await remove(serviceAccount), 200]
      case 'with a key':
        keyed = removeWithKey(`key-${turn}`)
        return [await keyed, 200]
      case 'again with the key':
        return [(await keyed) ?? {}, 200]
      case 'absent':
        return [{ ...absent, token: await issuer.token(administrator) }, 404]
      case 'not permitted':
        return [{ ...absent, token: await issuer.token(auditor) }, 403]
      case 'expired':
        return [{ ...absent, token: await issuer.token(administrator, { claims: past }) }, 401]
      case 'forged':
        return [{ ...absent, token: await issuer.token(administrator, forged) }, 401]
      case 'unknown key':
        return [{ ...absent, token: await issuer.token(administrator, { key: stranger }) }, 401]
      case 'suspended':
        return [{ ...absent, token: await issuer.token(suspended) }, 401]
      case 'nowhere':
        return [{ path: '/nowhere' }, 404]
    }
  }

  return {
    async next() {
      const kind = TURNS[turn % TURNS.length] ?? 'nowhere'
      turn += 1
      const [sent, status] = await make(kind)
      return { kind, sent, status }
    },
  }
}
