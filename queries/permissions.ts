/**
 * The permission to perform operation `delete` on endpoint `identity:users` in an organization, read in the transaction of
 * the deletion. Nothing is cached, nothing comes from claims, and project scope never counts.
 *
 * SQLite runs a CROSS JOIN in the order written, so each query goes from row to row by a key and never scans. Two traps of
 * the builder: an alias made with `.as()` is used without its table, so no table may have its name; `unionAll()` changes
 * its first query, so each first query is used once.
 *
 * @see https://sqlite.org/lang_select.html#side_note_special_handling_of_cross_join
 */
import { and, eq, exists, inArray, ne, not, notExists, or, sql, type SQL } from 'drizzle-orm'
import { alias, unionAll, type SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { anyRow, db, hasRow, parameter } from './builder.ts'
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

const isUser = hasRow(users, eq(users.subject, subject))
const isServiceAccount = hasRow(serviceAccounts, eq(serviceAccounts.id, subject))

/** A subject that names both a user and a service account identifies neither. */
export const identifiesOne = not(and(isServiceAccount, isUser)!)

/** What the subject identifies; null if it names neither or both. */
export const kindOfCaller = sql<CallerKind | null>`case
  when ${isServiceAccount} then iif(${isUser}, null, 'service_account')
  when ${isUser} then 'user' end`

/** The reason why a known caller has no permission at all; null if it is active. */
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

/** Columns of a caller. `memberID` is its own organization user, if its permission comes from the organization. */
const callerColumns = (kind: CallerKind, memberID: SQL | SQLiteColumn) => ({
  kind: sql<CallerKind>`${kind}`.as('kind'),
  memberID: sql<string | null>`${memberID}`.as('member_id'),
})

/** Conditions: a membership of an active user in the organization. */
const ownMembership = [
  isActiveUser,
  eq(organizationUsers.userID, users.id),
  eq(organizationUsers.organizationID, organizationID),
]

const groupsOfMember = db
  .select({ ...callerColumns('user', organizationUsers.id), groupID: groupMembers.groupID })
  .from(users)
  .crossJoin(organizationUsers)
  .crossJoin(groupMembers)
  .where(
    and(
      ...ownMembership,
      eq(organizationUsers.state, 'active'),
      eq(groupMembers.organizationUserID, organizationUsers.id),
    ),
  )

const groupsOfServiceAccount = db
  .select({
    ...callerColumns('service_account', sql`null`),
    groupID: groupServiceAccounts.groupID,
  })
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
  .select(callerColumns('user', sql`null`))
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

/** The caller whose own membership is the target, if members may leave. A suspended member cannot lift its suspension. */
const leavingMember = db
  .select(callerColumns('user', organizationUsers.id))
  .from(users)
  .crossJoin(organizationUsers)
  .where(
    and(
      parameter('membersMayLeave'),
      ...ownMembership,
      eq(organizationUsers.id, parameter('userID')),
      inArray(organizationUsers.state, ['active', 'pending']),
    ),
  )

/** One row if the caller may delete the user. SQLite runs a query only if the earlier ones find no row. */
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
 * @param membership a condition on the memberships
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
        not(hasRow(serviceAccounts, eq(serviceAccounts.id, users.subject))),
      ),
    )
}

/**
 * Whether the deletion would remove the last administrator, which only a platform administrator may do. If the caller is
 * another administrator, who stays, SQLite skips the queries after the first condition.
 */
export const removesLastAdministrator = and(
  or(eq(caller.kind, 'service_account'), sql`${caller.memberID} is ${target.id}`),
  exists(administrators(eq(organizationUsers.id, target.id))),
  notExists(administrators(ne(organizationUsers.id, target.id))),
  notExists(platformAdministrator),
)!
