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

// One letter or two in the text of a statement, which travels to the database with every request.
const user = alias(users, 'u')
const member = alias(organizationUsers, 'm')
const groupMember = alias(groupMembers, 'gm')
const group = alias(groups, 'g')
const groupRole = alias(groupRoles, 'gr')
const permission = alias(rolePermissions, 'p')
const globalBinding = alias(globalRoleBindings, 'b')
const serviceAccount = alias(serviceAccounts, 's')
const groupServiceAccount = alias(groupServiceAccounts, 'gs')

/** The organization user that is to be deleted, in every query that has it. */
export const target = alias(organizationUsers, 't')

/** A caller that may delete users: its `kind` and, where it is a member of the organization, its `memberID`. */
export const caller = {
  kind: sql`caller.kind`,
  memberID: sql`caller.memberID`,
}

const isUser = sql`exists (select 1 from ${users} ${user} where ${eq(user.subject, subject)})`
const isServiceAccount = sql`exists (select 1 from ${serviceAccounts} ${serviceAccount} where ${eq(serviceAccount.id, subject)})`

/** A subject that names a user and a service account names nobody. */
export const namesOne = sql`not (${isServiceAccount} and ${isUser})`

/** What the subject names: a user or a service account; null for nobody, and for both. */
export const kindOfCaller = sql`case when ${isServiceAccount} then iif(${isUser}, null, 'service_account')
  when ${isUser} then 'user' end`

/** Why a caller that is known may do nothing anywhere, as a reason; null where it is active. */
export const inactivityOfCaller = sql`(select 'caller_' || ${user.state} from ${users} ${user}
  where ${eq(user.subject, subject)} and ${ne(user.state, 'active')})`

/** Joins what a role permits, where that is the deletion of users, at one scope. */
function joinPermission(roleID: Column, scope: 'global' | 'organization'): SQL {
  return sql`cross join ${rolePermissions} ${permission} on ${eq(permission.roleID, roleID)}
    and ${eq(permission.scope, scope)} and ${eq(permission.endpoint, 'identity:users')}
    and ${eq(permission.operation, 'delete')}`
}

/** Joins what the roles of a group permit in its organization. */
function joinPermissionOfGroup(groupID: SQL | Column): SQL {
  return sql`cross join ${groupRoles} ${groupRole} on ${eq(groupRole.groupID, groupID)}
    ${joinPermission(groupRole.roleID, 'organization')}`
}

const isActiveUser = and(eq(user.subject, subject), eq(user.state, 'active'))

/** The groups of an active user's active membership in the organization. */
const groupsOfMember = sql`
  select 'user' as kind, ${member.id} as memberID, ${groupMember.groupID} as groupID
  from ${users} ${user}
  cross join ${organizationUsers} ${member} on ${eq(member.userID, user.id)}
    and ${eq(member.organizationID, organizationID)} and ${eq(member.state, 'active')}
  cross join ${groupMembers} ${groupMember} on ${eq(groupMember.organizationUserID, member.id)}
  where ${isActiveUser}`

/** The groups of a service account of the organization. */
const groupsOfServiceAccount = sql`
  select 'service_account', null, ${groupServiceAccount.groupID}
  from ${serviceAccounts} ${serviceAccount}
  cross join ${groupServiceAccounts} ${groupServiceAccount}
    on ${eq(groupServiceAccount.serviceAccountID, serviceAccount.id)}
  where ${eq(serviceAccount.id, subject)} and ${eq(serviceAccount.organizationID, organizationID)}`

/** An active user with a role at global scope: a platform administrator, member or not. */
const platformAdministrator = sql`select 'user', null
  from ${users} ${user}
  cross join ${globalRoleBindings} ${globalBinding} on ${eq(globalBinding.userID, user.id)}
  ${joinPermission(globalBinding.roleID, 'global')}
  where ${isActiveUser}`

/** The caller, where it may delete users in the organization: one row or none. */
export const permittedCaller = sql`select kind, memberID
  from (${groupsOfMember} union all ${groupsOfServiceAccount})
  ${joinPermissionOfGroup(sql`groupID`)}
  union all ${platformAdministrator}
  limit 1`

/** The people who may delete users in the organization: active users with an active membership in a granting group. */
const administrators = sql`select 1
  from ${groups} ${group}
  ${joinPermissionOfGroup(group.id)}
  cross join ${groupMembers} ${groupMember} on ${eq(groupMember.groupID, group.id)}
  cross join ${organizationUsers} ${member} on ${eq(member.id, groupMember.organizationUserID)}
    and ${eq(member.state, 'active')}
  cross join ${users} ${user} on ${eq(user.id, member.userID)} and ${eq(user.state, 'active')}
    and not exists (select 1 from ${serviceAccounts} ${serviceAccount} where ${eq(serviceAccount.id, user.subject)})
  where ${eq(group.organizationID, organizationID)}`

/**
 * Whether the deletion of `target` by `caller` would take an organization's last administrator away, and nobody above
 * the organization says so. Any person but the target who may delete users here is an administrator who stays, so
 * nothing is read where such a one calls.
 */
export const takesLastAdministrator = sql`
  (${caller.kind} = 'service_account' or ${caller.memberID} is ${target.id})
  and exists (${administrators} and ${eq(member.id, target.id)})
  and not exists (${administrators} and ${ne(member.id, target.id)})
  and not exists (${platformAdministrator})`
