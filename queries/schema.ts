/**
 * The tables for Drizzle: columns, keys and references. A test compares them with `migrations/`, which create the tables.
 * STRICT, WITHOUT ROWID, CHECK and the partial index stand in the migrations alone.
 */
import {
  foreignKey,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  unique,
  type AnySQLiteColumn,
} from 'drizzle-orm/sqlite-core'

const states = ['active', 'pending', 'suspended'] as const
const scopes = ['global', 'organization', 'project'] as const
const operations = ['create', 'read', 'update', 'delete'] as const
const actorKinds = ['user', 'service_account'] as const

/** A column with the ID of a parent: the row is deleted with its parent, or keeps it from being deleted. */
const reference = (name: string, id: () => AnySQLiteColumn, onDelete: 'cascade' | 'restrict') =>
  text(name).notNull().references(id, { onDelete })

/** A foreign key to a parent of the same organization. */
const parent = (
  columns: [organizationID: AnySQLiteColumn, id: AnySQLiteColumn],
  table: { readonly organizationID: AnySQLiteColumn; readonly id: AnySQLiteColumn },
) => foreignKey({ columns, foreignColumns: [table.organizationID, table.id] }).onDelete('cascade')

export const organizations = sqliteTable('organizations', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
})

/** People, platform-wide; `subject` is the token's `sub`. */
export const users = sqliteTable('users', {
  id: text('id').primaryKey(),
  subject: text('subject').notNull().unique(),
  state: text('state', { enum: states }).notNull(),
})

/** One person in one organization, at most once; `id` is the API's `userID`. */
export const organizationUsers = sqliteTable(
  'organization_users',
  {
    id: text('id').primaryKey(),
    organizationID: reference('organization_id', () => organizations.id, 'cascade'),
    userID: reference('user_id', () => users.id, 'restrict'),
    state: text('state', { enum: states }).notNull(),
  },
  (table) => [
    unique().on(table.userID, table.organizationID),
    unique().on(table.organizationID, table.id),
  ],
)

export const groups = sqliteTable(
  'groups',
  {
    id: text('id').primaryKey(),
    organizationID: reference('organization_id', () => organizations.id, 'cascade'),
    name: text('name').notNull(),
  },
  (table) => [unique().on(table.organizationID, table.id)],
)

export const groupMembers = sqliteTable(
  'group_members',
  {
    organizationID: text('organization_id').notNull(),
    groupID: text('group_id').notNull(),
    organizationUserID: text('organization_user_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationUserID, table.groupID] }),
    index('group_members_by_group').on(table.groupID),
    parent([table.organizationID, table.groupID], groups),
    parent([table.organizationID, table.organizationUserID], organizationUsers),
  ],
)

/** Machine callers of one organization; `id` is the token's `sub`. */
export const serviceAccounts = sqliteTable(
  'service_accounts',
  {
    id: text('id').primaryKey(),
    organizationID: reference('organization_id', () => organizations.id, 'cascade'),
    name: text('name').notNull(),
  },
  (table) => [unique().on(table.organizationID, table.id)],
)

export const groupServiceAccounts = sqliteTable(
  'group_service_accounts',
  {
    organizationID: text('organization_id').notNull(),
    groupID: text('group_id').notNull(),
    serviceAccountID: text('service_account_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.serviceAccountID, table.groupID] }),
    index('group_service_accounts_by_group').on(table.groupID),
    parent([table.organizationID, table.groupID], groups),
    parent([table.organizationID, table.serviceAccountID], serviceAccounts),
  ],
)

export const roles = sqliteTable('roles', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
})

export const rolePermissions = sqliteTable(
  'role_permissions',
  {
    roleID: reference('role_id', () => roles.id, 'cascade'),
    scope: text('scope', { enum: scopes }).notNull(),
    endpoint: text('endpoint').notNull(),
    operation: text('operation', { enum: operations }).notNull(),
  },
  ({ roleID, scope, endpoint, operation }) => [
    primaryKey({ columns: [roleID, scope, endpoint, operation] }),
  ],
)

export const groupRoles = sqliteTable(
  'group_roles',
  {
    groupID: reference('group_id', () => groups.id, 'cascade'),
    roleID: reference('role_id', () => roles.id, 'restrict'),
  },
  (table) => [
    primaryKey({ columns: [table.groupID, table.roleID] }),
    index('group_roles_by_role').on(table.roleID),
  ],
)

/** Platform administrators. */
export const globalRoleBindings = sqliteTable(
  'global_role_bindings',
  {
    userID: reference('user_id', () => users.id, 'cascade'),
    roleID: reference('role_id', () => roles.id, 'restrict'),
  },
  (table) => [
    primaryKey({ columns: [table.userID, table.roleID] }),
    index('global_role_bindings_by_role').on(table.roleID),
  ],
)

/** The record of each deletion; it has no references, since it outlives what it names. */
export const userDeletions = sqliteTable('user_deletions', {
  id: text('id').primaryKey(),
  organizationID: text('organization_id').notNull(),
  organizationUserID: text('organization_user_id').notNull(),
  userID: text('user_id').notNull(),
  actorKind: text('actor_kind', { enum: actorKinds }).notNull(),
  actorSubject: text('actor_subject').notNull(),
  groupsRemoved: integer('groups_removed').notNull(),
  requestID: text('request_id').notNull(),
  idempotencyKey: text('idempotency_key'),
  deletedAt: integer('deleted_at').notNull(),
  /** The state of the membership, if `RECORD_GROUPS` was on. */
  memberState: text('member_state'),
  /** The IDs of the groups as JSON text, if `RECORD_GROUPS` was on; null above 1,000,000 bytes. */
  groupIDs: text('group_ids'),
})

/** Deletions whose event is still to be sent. */
export const deletionOutbox = sqliteTable('deletion_outbox', {
  deletionID: text('deletion_id').primaryKey(),
})
