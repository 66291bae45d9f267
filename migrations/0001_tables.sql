-- The tables of the identity API: a public interface (docs/data-model.md). Append-only: never edit an applied file.
--
-- Foreign keys include the organization wherever two rows must belong to the same one; that is what the UNIQUE
-- (organization_id, id) of the parents is for, and deleting an organization finds its rows by the same index.
-- WITHOUT ROWID: the primary key is the table, which saves one written row at every insert.

CREATE TABLE organizations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('active', 'pending', 'suspended'))
) STRICT, WITHOUT ROWID;

CREATE TABLE organization_users (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
  state TEXT NOT NULL CHECK (state IN ('active', 'pending', 'suspended')),
  UNIQUE (user_id, organization_id),
  UNIQUE (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  UNIQUE (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
  organization_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  organization_user_id TEXT NOT NULL,
  PRIMARY KEY (organization_user_id, group_id),
  FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, organization_user_id)
    REFERENCES organization_users (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_by_group ON group_members (group_id);

CREATE TABLE service_accounts (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  UNIQUE (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_service_accounts (
  organization_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  service_account_id TEXT NOT NULL,
  PRIMARY KEY (service_account_id, group_id),
  FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, service_account_id)
    REFERENCES service_accounts (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX group_service_accounts_by_group ON group_service_accounts (group_id);

CREATE TABLE roles (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE role_permissions (
  role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
  scope TEXT NOT NULL CHECK (scope IN ('global', 'organization', 'project')),
  endpoint TEXT NOT NULL,
  operation TEXT NOT NULL CHECK (operation IN ('create', 'read', 'update', 'delete')),
  PRIMARY KEY (role_id, scope, endpoint, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_roles (
  group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
  role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
  PRIMARY KEY (group_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_roles_by_role ON group_roles (role_id);

CREATE TABLE global_role_bindings (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE RESTRICT,
  PRIMARY KEY (user_id, role_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX global_role_bindings_by_role ON global_role_bindings (role_id);

-- No foreign keys: a deletion record outlives what it names.
CREATE TABLE user_deletions (
  id TEXT NOT NULL PRIMARY KEY,
  organization_id TEXT NOT NULL,
  organization_user_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('user', 'service_account')),
  actor_subject TEXT NOT NULL,
  groups_removed INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  idempotency_key TEXT,
  deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One key stands for at most one deletion of an actor, an organization and a user; a record without a key costs nothing here.
CREATE UNIQUE INDEX user_deletions_by_idempotency_key
  ON user_deletions (idempotency_key, actor_subject, organization_id, organization_user_id)
  WHERE idempotency_key IS NOT NULL;
