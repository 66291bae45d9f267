-- The IDs of deletions whose event is still to be sent (docs/events.md): empty when all is well. A set without an order,
-- and without a foreign key, so that a record can be removed by hand.
CREATE TABLE deletion_outbox (
  deletion_id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
