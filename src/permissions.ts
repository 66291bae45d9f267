/**
 * Who may do what? The rules of access as composable queries over the data as it is at the moment of use: operation
 * `delete` on `identity:users`. Nothing is cached, nothing comes from claims, and project scope never counts.
 *
 * The queries name the caller by the placeholder `subject` and the organization by `organizationID`. Their joins are
 * CROSS JOINs, which SQLite runs in the order written: from one caller to its groups to their roles, never by a scan.
 */
import { and, eq, ne, sql, type Column, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
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
} from './schema'

const subject = sql.placeholder('subject')
const organizationID = sql.placeholder('organizationID')

/** The organization user that is to be deleted, in every query that has it. */
export const target = alias(organizationUsers, 'target')

/** A caller that may delete users: its `kind` and, where it is a member of the organization, its `membershipID`. */
export const caller = {
  kind: sql`"caller"."kind"`,
  membershipID: sql`"caller"."membershipID"`,
}

const isUser = sql`exists (select 1 from ${users} where ${eq(users.subject, subject)})`
const isServiceAccount = sql`exists (select 1 from ${serviceAccounts} where ${eq(serviceAccounts.id, subject)})`

/** A subject that names a user and a service account names nobody. */
export const namesOne = sql`not (${isServiceAccount} and ${isUser})`

/** What the subject names: a user or a service account; null for nobody, and for both. */
export const kindOfCaller = sql`case when ${isServiceAccount} then iif(${isUser}, null, 'service_account')
  when ${isUser} then 'user' end`

/** Why a caller that is known may do nothing anywhere, as a reason; null where it is active. */
export const inactivityOfCaller = sql`(select 'caller_' || ${users.state} from ${users}
  where ${eq(users.subject, subject)} and ${ne(users.state, 'active')})`

/** Joins what a role permits, where that is the deletion of users, at one scope. */
function joinPermission(roleID: Column, scope: 'global' | 'organization'): SQL {
  return sql`cross join ${rolePermissions} on ${eq(rolePermissions.roleID, roleID)}
    and ${eq(rolePermissions.scope, scope)} and ${eq(rolePermissions.endpoint, 'identity:users')}
    and ${eq(rolePermissions.operation, 'delete')}`
}

/** Joins what the roles of a group permit in its organization. */
function joinPermissionOfGroup(groupID: SQL | Column): SQL {
  return sql`cross join ${groupRoles} on ${eq(groupRoles.groupID, groupID)}
    ${joinPermission(groupRoles.roleID, 'organization')}`
}

const isActiveUser = and(eq(users.subject, subject), eq(users.state, 'active'))

/** The groups of an active user's active membership in the organization. */
const groupsOfMember = sql`
  select 'user' as "kind", ${organizationUsers.id} as "membershipID", ${groupMembers.groupID} as "groupID"
  from ${users}
  cross join ${organizationUsers} on ${eq(organizationUsers.userID, users.id)}
    and ${eq(organizationUsers.organizationID, organizationID)} and ${eq(organizationUsers.state, 'active')}
  cross join ${groupMembers} on ${eq(groupMembers.organizationUserID, organizationUsers.id)}
  where ${isActiveUser}`

/** The groups of a service account of the organization. */
const groupsOfServiceAccount = sql`
  select 'service_account', null, ${groupServiceAccounts.groupID}
  from ${serviceAccounts}
  cross join ${groupServiceAccounts} on ${eq(groupServiceAccounts.serviceAccountID, serviceAccounts.id)}
  where ${eq(serviceAccounts.id, subject)} and ${eq(serviceAccounts.organizationID, organizationID)}`

/** An active user with a role at global scope: a platform administrator, member or not. */
const platformAdministrator = sql`select 'user', null
  from ${users}
  cross join ${globalRoleBindings} on ${eq(globalRoleBindings.userID, users.id)}
  ${joinPermission(globalRoleBindings.roleID, 'global')}
  where ${isActiveUser}`

/** The caller, where it may delete users in the organization: one row or none. */
export const permittedCaller = sql`select "kind", "membershipID"
  from (${groupsOfMember} union all ${groupsOfServiceAccount})
  ${joinPermissionOfGroup(sql`"groupID"`)}
  union all ${platformAdministrator}
  limit 1`

/** The people who may delete users in the organization: active users with an active membership in a granting group. */
const administrators = sql`select 1
  from ${groups}
  ${joinPermissionOfGroup(groups.id)}
  cross join ${groupMembers} on ${eq(groupMembers.groupID, groups.id)}
  cross join ${organizationUsers} on ${eq(organizationUsers.id, groupMembers.organizationUserID)}
    and ${eq(organizationUsers.state, 'active')}
  cross join ${users} on ${eq(users.id, organizationUsers.userID)} and ${eq(users.state, 'active')}
    and not exists (select 1 from ${serviceAccounts} where ${eq(serviceAccounts.id, users.subject)})
  where ${eq(groups.organizationID, organizationID)}`

/**
 * Whether the deletion of `target` by `caller` would take an organization's last administrator away, and nobody above
 * the organization says so. Any person but the target who may delete users here is an administrator who stays, so
 * nothing is read where such a one calls.
 */
export const takesLastAdministrator = sql`
  (${caller.kind} = 'service_account' or ${caller.membershipID} is ${target.id})
  and exists (${administrators} and ${eq(organizationUsers.id, target.id)})
  and not exists (${administrators} and ${ne(organizationUsers.id, target.id)})
  and not exists (${platformAdministrator})`
