/**
 * The rules of access: who may perform operation `delete` on endpoint `identity:users` in an organization. They read the
 * data at the moment of use: nothing is cached, nothing comes from claims, and project scope never counts.
 *
 * SQLite runs a CROSS JOIN in the order written, so each query goes from one row to the next by a key and never scans.
 * Two traps of the builder: an alias made with `.as()` is used without its table, so it must be a name that no table
 * has; and `unionAll()` adds to its first query, so each first query is used once.
 *
 * @see https://sqlite.org/lang_select.html#side_note_special_handling_of_cross_join
 */
import { and, eq, exists, inArray, ne, not, notExists, or, sql, type SQL } from 'drizzle-orm'
import { alias, unionAll, type SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { anyRow, db, parameter } from './builder.ts'
import {
  globalRoleBindings,
  groupMembers,
  groupRoles,
  groups,
  groupServiceAccounts,
  organizationUsers,
  rolePermissions,
  serviceAccounts,
  users,
} from './schema.ts'

type CallerKind = 'user' | 'service_account'

const subject = parameter('subject')
const organizationID = parameter('organizationID')

/** The organization user to be deleted. */
export const target = alias(organizationUsers, 'target')

const isUser = exists(db.select(anyRow).from(users).where(eq(users.subject, subject)))
const isServiceAccount = exists(
  db.select(anyRow).from(serviceAccounts).where(eq(serviceAccounts.id, subject)),
)

/** A subject that names a user and a service account identifies neither. */
export const identifiesOne = not(and(isServiceAccount, isUser)!)

/** What the subject identifies; null if it names nothing, or both. */
export const kindOfCaller = sql<CallerKind | null>`case
  when ${isServiceAccount} then iif(${isUser}, null, 'service_account')
  when ${isUser} then 'user' end`

/** The reason why a known caller may do nothing anywhere; null if it is active. */
export const inactivityOfCaller = db
  .select({ reason: sql<string>`'caller_' || ${users.state}` })
  .from(users)
  .where(and(eq(users.subject, subject), ne(users.state, 'active')))

const isActiveUser = and(eq(users.subject, subject), eq(users.state, 'active'))

function grantsDelete(roleID: SQLiteColumn, scope: 'global' | 'organization') {
  return and(
    eq(rolePermissions.roleID, roleID),
    eq(rolePermissions.scope, scope),
    eq(rolePermissions.endpoint, 'identity:users'),
    eq(rolePermissions.operation, 'delete'),
  )
}

/** Columns of a caller: `memberID` is its own organization user here, if its permission comes from there. */
const userColumns = (memberID: SQL | SQLiteColumn) => ({
  kind: sql<CallerKind>`'user'`.as('kind'),
  memberID: sql<string | null>`${memberID}`.as('member_id'),
})
const serviceAccountColumns = {
  kind: sql<CallerKind>`'service_account'`.as('kind'),
  memberID: sql<string | null>`null`.as('member_id'),
}

/** The groups of an active user's active membership in the organization. */
const groupsOfMember = db
  .select({ ...userColumns(organizationUsers.id), groupID: groupMembers.groupID })
  .from(users)
  .crossJoin(organizationUsers)
  .crossJoin(groupMembers)
  .where(
    and(
      isActiveUser,
      eq(organizationUsers.userID, users.id),
      eq(organizationUsers.organizationID, organizationID),
      eq(organizationUsers.state, 'active'),
      eq(groupMembers.organizationUserID, organizationUsers.id),
    ),
  )

/** The groups of a service account of the organization. */
const groupsOfServiceAccount = db
  .select({ ...serviceAccountColumns, groupID: groupServiceAccounts.groupID })
  .from(serviceAccounts)
  .crossJoin(groupServiceAccounts)
  .where(
    and(
      eq(serviceAccounts.id, subject),
      eq(serviceAccounts.organizationID, organizationID),
      eq(groupServiceAccounts.serviceAccountID, serviceAccounts.id),
    ),
  )

const callerGroups = unionAll(groupsOfMember, groupsOfServiceAccount).as('caller_groups')

const permittedByGroup = db
  .select({ kind: callerGroups.kind, memberID: callerGroups.memberID })
  .from(callerGroups)
  .crossJoin(groupRoles)
  .crossJoin(rolePermissions)
  .where(
    and(
      eq(groupRoles.groupID, callerGroups.groupID),
      grantsDelete(groupRoles.roleID, 'organization'),
    ),
  )

/** An active user with a role at global scope: a platform administrator, member or not. */
const platformAdministrator = db
  .select(userColumns(sql`null`))
  .from(users)
  .crossJoin(globalRoleBindings)
  .crossJoin(rolePermissions)
  .where(
    and(
      isActiveUser,
      eq(globalRoleBindings.userID, users.id),
      grantsDelete(globalRoleBindings.roleID, 'global'),
    ),
  )

/** The caller whose own membership is to be deleted, if members may leave. A suspension is a hold: it stays. */
const leavingMember = db
  .select(userColumns(organizationUsers.id))
  .from(users)
  .crossJoin(organizationUsers)
  .where(
    and(
      parameter('membersMayLeave'),
      isActiveUser,
      eq(organizationUsers.userID, users.id),
      eq(organizationUsers.organizationID, organizationID),
      eq(organizationUsers.id, parameter('userID')),
      inArray(organizationUsers.state, ['active', 'pending']),
    ),
  )

/** The caller, if it may delete the user: one row or none. SQLite runs a later query only if the earlier ones find none. */
export const permittedCaller = unionAll(
  permittedByGroup,
  platformAdministrator,
  leavingMember,
).limit(1)

/** The permitted caller as a table of one row. */
export const caller = permittedCaller.as('caller')

/**
 * The people who may delete users in the organization: active users with an active membership in a granting group.
 *
 * @param membership limits the search to some memberships; it stands early, because SQLite keeps to the order written
 */
function administrators(membership: SQL) {
  return db
    .select(anyRow)
    .from(groups)
    .crossJoin(groupRoles)
    .crossJoin(rolePermissions)
    .crossJoin(groupMembers)
    .crossJoin(organizationUsers)
    .crossJoin(users)
    .where(
      and(
        eq(groups.organizationID, organizationID),
        membership,
        eq(groupRoles.groupID, groups.id),
        grantsDelete(groupRoles.roleID, 'organization'),
        eq(groupMembers.groupID, groups.id),
        eq(organizationUsers.id, groupMembers.organizationUserID),
        eq(organizationUsers.state, 'active'),
        eq(users.id, organizationUsers.userID),
        eq(users.state, 'active'),
        notExists(
          db.select(anyRow).from(serviceAccounts).where(eq(serviceAccounts.id, users.subject)),
        ),
      ),
    )
}

/**
 * Whether the deletion would remove the last administrator of the organization. A platform administrator may do that.
 * A caller who is another administrator remains as one, so SQLite skips the queries after the first condition.
 */
export const removesLastAdministrator = and(
  or(eq(caller.kind, 'service_account'), sql`${caller.memberID} is ${target.id}`),
  exists(administrators(eq(organizationUsers.id, target.id))),
  notExists(administrators(ne(organizationUsers.id, target.id))),
  notExists(platformAdministrator),
)!
