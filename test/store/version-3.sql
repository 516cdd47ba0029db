-- What version 3 of the database was, with something in each table.
PRAGMA journal_mode = WAL;
CREATE TABLE blocks (
  address TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  limit_count INTEGER NOT NULL,
  seconds INTEGER NOT NULL,
  times INTEGER NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  replaced_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE offences (
  address TEXT PRIMARY KEY,
  times INTEGER NOT NULL,
  last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE allowances (
  address TEXT PRIMARY KEY,
  since_ms INTEGER NOT NULL,
  until_ms INTEGER,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX offences_by_time ON offences (last_ms);
PRAGMA user_version = 3;
INSERT INTO blocks VALUES
  ('192.0.2.1', 'ip', 1000000000, 1000120000, 11, 10, 60, 1, 'rate', '', 0);
INSERT INTO offences VALUES ('192.0.2.7', 3, 7);
INSERT INTO allowances VALUES ('198.51.100.1', 1, NULL, 'a friend');
