-- What a deletion took, for RECORD_GROUPS (docs/data-model.md): the state of the membership and the IDs of its groups.
-- No CHECK on the state: a state that a later migration adds must not make a deletion fail.
--
-- SQLite reads every record for each new column of a STRICT table: about 1.2 s for a million records and column, during
-- which the database does nothing else. With millions of records, remove old ones first (docs/operations.md, "Retention").
-- The version before this one keeps working on the migrated tables.
ALTER TABLE user_deletions ADD COLUMN member_state TEXT;
ALTER TABLE user_deletions ADD COLUMN group_ids TEXT;
