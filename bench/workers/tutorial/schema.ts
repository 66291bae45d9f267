/** The tables in drizzle's words, as a tutorial would declare them. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const users = sqliteTable('users', {
  id: text('id').primaryKey(),
  subject: text('subject').notNull().unique(),
  state: text('state', { enum: ['active', 'pending', 'suspended'] }).notNull(),
})

export const organizationUsers = sqliteTable('organization_users', {
  id: text('id').primaryKey(),
  organizationID: text('organization_id').notNull(),
  userID: text('user_id').notNull(),
  state: text('state', { enum: ['active', 'pending', 'suspended'] }).notNull(),
})

export const groupMembers = sqliteTable(
  'group_members',
  {
    organizationID: text('organization_id').notNull(),
    groupID: text('group_id').notNull(),
    organizationUserID: text('organization_user_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationUserID, table.groupID] })],
)

export const groupRoles = sqliteTable(
  'group_roles',
  { groupID: text('group_id').notNull(), roleID: text('role_id').notNull() },
  (table) => [primaryKey({ columns: [table.groupID, table.roleID] })],
)

export const rolePermissions = sqliteTable(
  'role_permissions',
  {
    roleID: text('role_id').notNull(),
    scope: text('scope', { enum: ['global', 'organization', 'project'] }).notNull(),
    endpoint: text('endpoint').notNull(),
    operation: text('operation', { enum: ['create', 'read', 'update', 'delete'] }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.roleID, table.scope, table.endpoint, table.operation] }),
  ],
)

export const globalRoleBindings = sqliteTable(
  'global_role_bindings',
  { userID: text('user_id').notNull(), roleID: text('role_id').notNull() },
  (table) => [primaryKey({ columns: [table.userID, table.roleID] })],
)

export const userDeletions = sqliteTable('user_deletions', {
  id: text('id').primaryKey(),
  organizationID: text('organization_id').notNull(),
  organizationUserID: text('organization_user_id').notNull(),
  userID: text('user_id').notNull(),
  actorKind: text('actor_kind', { enum: ['user', 'service_account'] }).notNull(),
  actorSubject: text('actor_subject').notNull(),
  groupsRemoved: integer('groups_removed').notNull(),
  requestID: text('request_id').notNull(),
  idempotencyKey: text('idempotency_key'),
  deletedAt: integer('deleted_at').notNull(),
})
