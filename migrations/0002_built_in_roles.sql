-- The built-in roles. Their IDs are stable and equal to their names; what they grant on other endpoints is other Workers' to add.
INSERT INTO roles (id, name) VALUES
  ('platform-administrator', 'platform-administrator'),
  ('administrator', 'administrator'),
  ('auditor', 'auditor'),
  ('user', 'user'),
  ('reader', 'reader');

INSERT INTO role_permissions (role_id, scope, endpoint, operation) VALUES
  ('platform-administrator', 'global', 'identity:users', 'create'),
  ('platform-administrator', 'global', 'identity:users', 'read'),
  ('platform-administrator', 'global', 'identity:users', 'update'),
  ('platform-administrator', 'global', 'identity:users', 'delete'),
  ('administrator', 'organization', 'identity:users', 'create'),
  ('administrator', 'organization', 'identity:users', 'read'),
  ('administrator', 'organization', 'identity:users', 'update'),
  ('administrator', 'organization', 'identity:users', 'delete'),
  ('auditor', 'organization', 'identity:users', 'read');
