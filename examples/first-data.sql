-- First rows to try the Worker: an organization, an administrator (Ada) and a user to delete (Bob). Applied again, it only
-- restores Bob if he was deleted. Set the administrator's subject to the `sub` of your token:
-- UPDATE users SET subject = '…' WHERE id = 'person-ada'
INSERT INTO organizations (id, name) VALUES ('acme', 'Acme Ltd') ON CONFLICT DO NOTHING;
INSERT INTO groups (id, organization_id, name)
VALUES ('acme-administrators', 'acme', 'Administrators') ON CONFLICT DO NOTHING;
INSERT INTO group_roles (group_id, role_id)
VALUES ('acme-administrators', 'administrator') ON CONFLICT DO NOTHING;
INSERT INTO users (id, subject, state) VALUES
  ('person-ada', 'the sub of your token', 'active'),
  ('person-bob', 'no token names Bob', 'active')
ON CONFLICT DO NOTHING;
INSERT INTO organization_users (id, organization_id, user_id, state) VALUES
  ('acme-ada', 'acme', 'person-ada', 'active'),
  ('acme-bob', 'acme', 'person-bob', 'active')
ON CONFLICT DO NOTHING;
INSERT INTO group_members (organization_id, group_id, organization_user_id)
VALUES ('acme', 'acme-administrators', 'acme-ada') ON CONFLICT DO NOTHING;
