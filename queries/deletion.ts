/**
 * The statements of a deletion, in their order: one D1 batch, which is one transaction. A batch cannot branch, so the
 * statements depend on each other through the deletion record. The first inserts it only if the caller is permitted and
 * the target exists. The next two delete the user in the record. The last reports the outcome.
 */
import { and, count, eq, isNotNull, isNull, not, notExists, sql, type SQL } from 'drizzle-orm'
import type { RemovalResult } from '../src/database.ts'
import { db, hasRow, parameter } from './builder.ts'
import { eventData } from './events.ts'
import {
  caller,
  identifiesOne,
  inactivityOfCaller,
  kindOfCaller,
  permittedCaller,
  removesLastAdministrator,
  target,
} from './permissions.ts'
import { deletionOutbox, groupMembers, organizationUsers, userDeletions } from './schema.ts'

const isTarget = and(
  eq(target.id, parameter('userID')),
  eq(target.organizationID, parameter('organizationID')),
)

const isMembershipOfTarget = eq(groupMembers.organizationUserID, target.id)

/**
 * A longer list of group IDs is not recorded. D1 stores no text above 2 MB, and a longer aggregate fails even if its value
 * is not used: the user could never be deleted. So the list is measured before it is made.
 *
 * @see https://developers.cloudflare.com/d1/platform/limits/
 */
const MAX_LIST_BYTES = 1_000_000
/** A longer ID is not measured: JSON makes six bytes of a control character. The record's other IDs share its 2 MB. */
const MAX_ID_BYTES = 300_000

/** Bytes of a group ID in the list, with the comma or the bracket before it. */
const listedBytes = sql`iif(octet_length(${groupMembers.groupID}) > ${MAX_ID_BYTES}, ${MAX_LIST_BYTES},
  octet_length(json_quote(${groupMembers.groupID})) + 1)`

const isListed = and(
  parameter('recordGroups'),
  sql`total(iif(${parameter('recordGroups')}, ${listedBytes}, 0)) < ${MAX_LIST_BYTES}`,
  sql`max(octet_length(${target.organizationID}), octet_length(${target.id}), octet_length(${target.userID})) <= ${MAX_ID_BYTES}`,
)

const list = db
  .select({ ids: sql`json_group_array(${groupMembers.groupID})` })
  .from(groupMembers)
  .where(isMembershipOfTarget)

/** Inserts the deletion record, unless this ID or idempotency key already has one. */
function recordDeletion(settings: { keepLastAdministrator: boolean }) {
  const record = db
    .select({
      id: parameter('deletionID').as('id'),
      organizationID: target.organizationID,
      organizationUserID: target.id,
      userID: target.userID,
      actorKind: caller.kind,
      actorSubject: parameter('subject').as('actor_subject'),
      groupsRemoved: count(groupMembers.groupID).as('groups_removed'),
      requestID: parameter('requestID').as('request_id'),
      idempotencyKey: parameter('idempotencyKey').as('idempotency_key'),
      deletedAt: parameter('deletedAt').as('deleted_at'),
      memberState: sql`iif(${parameter('recordGroups')}, ${target.state}, null)`.as('member_state'),
      groupIDs: sql`iif(${isListed}, ${list}, null)`.as('group_ids'),
    })
    .from(target)
    .crossJoin(caller)
    .leftJoin(groupMembers, isMembershipOfTarget)
    .where(
      and(
        isTarget,
        identifiesOne,
        settings.keepLastAdministrator ? not(removesLastAdministrator) : undefined,
      ),
    )
    .groupBy(target.id)
  return db.insert(userDeletions).select(record).onConflictDoNothing()
}

const isThisDeletion = eq(userDeletions.id, parameter('deletionID'))

/** Tells the record of this attempt from that of an earlier one, whose response was lost. */
const isFromThisAttempt = eq(userDeletions.deletedAt, parameter('deletedAt'))

/** The user in this attempt's record. The user of an earlier attempt is gone; the same ID today is a different user. */
const recordedUser = db
  .select({ id: userDeletions.organizationUserID })
  .from(userDeletions)
  .where(and(isThisDeletion, isFromThisAttempt))

/** A cascade from the user would do the same; deleting by the key reads fewer rows. */
const deleteMemberships = db
  .delete(groupMembers)
  .where(eq(groupMembers.organizationUserID, recordedUser))

const deleteUser = db.delete(organizationUsers).where(eq(organizationUsers.id, recordedUser))

const isReplay = hasRow(
  userDeletions,
  and(
    eq(userDeletions.idempotencyKey, parameter('idempotencyKey')),
    eq(userDeletions.actorSubject, parameter('subject')),
    eq(userDeletions.organizationID, parameter('organizationID')),
    eq(userDeletions.organizationUserID, parameter('userID')),
  ),
)

const hasUser = hasRow(
  organizationUsers,
  eq(organizationUsers.id, userDeletions.organizationUserID),
)

/** This attempt recorded the deletion, but the user still exists: a trigger in the database kept it. */
const isUserKept = and(isFromThisAttempt, hasUser)!

/** Marks the event as pending. A retry that finds an earlier attempt's record adds nothing. */
const insertEvent = db.insert(deletionOutbox).select(
  db
    .select({ deletionID: sql<string>`${userDeletions.id}`.as('deletion_id') })
    .from(userDeletions)
    .where(and(isThisDeletion, isFromThisAttempt, not(hasUser))),
)

/** `src/database.ts` does not know `user_kept` and fails on it. */
type Outcome = RemovalResult['outcome'] | 'user_kept'

const outcomeIf = (condition: SQL, outcome: Outcome) => sql`iif(${condition}, ${outcome}, null)`

/** The first check that applies is the outcome. If none does, the target is the last administrator. */
const checks = [
  outcomeIf(isUserKept, 'user_kept'),
  outcomeIf(isNotNull(userDeletions.id), 'deleted'),
  outcomeIf(isNull(kindOfCaller), 'caller_unknown'),
  inactivityOfCaller,
  outcomeIf(isReplay, 'replayed'),
  outcomeIf(notExists(permittedCaller), 'not_permitted'),
  outcomeIf(not(hasRow(target, isTarget)), 'user_not_found'),
  sql`${'last_administrator' satisfies Outcome}`,
]

const outcome = {
  outcome: sql<Outcome>`coalesce(${sql.join(checks, sql`, `)})`.as('outcome'),
  actorKind: sql`coalesce(${userDeletions.actorKind}, ${kindOfCaller})`.as('actorKind'),
  groupsRemoved: sql`${userDeletions.groupsRemoved}`.as('groupsRemoved'),
}
/** The values of the deletion's event. */
const event = {
  deletedAt: sql`${userDeletions.deletedAt}`.as('deletedAt'),
  data: eventData.as('data'),
}

/** Reports one row, with or without a deletion record. */
const report = (columns: Record<string, SQL.Aliased>) =>
  db
    .select(columns)
    .from(sql`(select 1)`)
    .leftJoin(userDeletions, isThisDeletion)

/** The statements by the names that `src/statements.ts` exports. */
export const statements = {
  recordDeletion: recordDeletion({ keepLastAdministrator: false }),
  recordDeletionKeepingAdministrator: recordDeletion({ keepLastAdministrator: true }),
  deleteMemberships,
  deleteUser,
  insertEvent,
  reportOutcome: report(outcome),
  reportOutcomeAndEvent: report({ ...outcome, ...event }),
}
