/**
 * The statements of the sweep, for pending events and old deletion records, and the data of an event.
 */
import { and, asc, eq, gt, inArray, isNull, lt, lte, not, or, sql } from 'drizzle-orm'
import { db, hasRow, parameter } from './builder.ts'
import { deletionOutbox, userDeletions } from './schema.ts'

/** Bytes of JSON. The event of a larger record has no values; a consumer reads the record. */
const MAX_EVENT_BYTES = 100_000

const bytesOfTexts = sql.join(
  [
    userDeletions.organizationID,
    userDeletions.organizationUserID,
    userDeletions.userID,
    userDeletions.actorSubject,
    userDeletions.requestID,
    sql`coalesce(${userDeletions.groupIDs}, '')`,
  ].map((text) => sql`octet_length(${text})`),
  sql` + `,
)

/**
 * The `data` of a deletion's event as JSON; null above the limit. The texts are measured first, because JSON can make six
 * bytes of one, and a text above 2 MB makes a statement fail.
 */
export const eventData = sql<string | null>`case
  when ${bytesOfTexts} <= ${MAX_EVENT_BYTES}
  then json_object('organizationID', ${userDeletions.organizationID},
    'userID', ${userDeletions.organizationUserID}, 'personID', ${userDeletions.userID},
    'actor', json_object('kind', ${userDeletions.actorKind}, 'subject', ${userDeletions.actorSubject}),
    'groupsRemoved', ${userDeletions.groupsRemoved},
    'groupIDs', case when json_valid(${userDeletions.groupIDs}) then json(${userDeletions.groupIDs}) end,
    'requestID', ${userDeletions.requestID}) end`

const PENDING_IN_A_STEP = 100
const RECORDS_IN_A_STEP = 500

const pending = db
  .select({
    id: sql<string>`${deletionOutbox.deletionID}`.as('id'),
    deletedAt: sql<number | null>`${userDeletions.deletedAt}`.as('deletedAt'),
    json: eventData.as('json'),
  })
  .from(deletionOutbox)
  .leftJoin(userDeletions, eq(userDeletions.id, deletionOutbox.deletionID))
  .where(
    and(
      gt(deletionOutbox.deletionID, parameter('after')),
      or(isNull(userDeletions.deletedAt), lte(userDeletions.deletedAt, parameter('deletedBefore'))),
    ),
  )
  .orderBy(asc(deletionOutbox.deletionID))
  .limit(PENDING_IN_A_STEP)
  .as('pending')

/** The next pending deletions by ID; `deletedAt` is null if there is no record. */
const selectPending = db
  .select({
    id: pending.id,
    deletedAt: pending.deletedAt,
    data: sql`iif(octet_length(${pending.json}) <= ${MAX_EVENT_BYTES}, ${pending.json}, null)`.as(
      'data',
    ),
  })
  .from(pending)

/** `IDs` is a JSON list: D1 binds at most 100 values. */
const removeFromOutbox = db
  .delete(deletionOutbox)
  .where(
    inArray(deletionOutbox.deletionID, sql`(select value from json_each(${parameter('IDs')}))`),
  )

/** The ID bounds the search; `deleted_at` decides, since others may have imported records with other IDs. */
const removeOldRecords = db.delete(userDeletions).where(
  inArray(
    userDeletions.id,
    db
      .select({ id: userDeletions.id })
      .from(userDeletions)
      .where(
        and(
          lt(userDeletions.id, parameter('before')),
          lt(userDeletions.deletedAt, parameter('deletedBefore')),
          not(hasRow(deletionOutbox, eq(deletionOutbox.deletionID, userDeletions.id))),
        ),
      )
      .orderBy(asc(userDeletions.id))
      .limit(RECORDS_IN_A_STEP),
  ),
)

export const statements = { selectPending, removeFromOutbox, removeOldRecords }
