-- Copyright (c) 2026 GreenLang. All rights reserved.
-- Owner: the data layer (roles/data). The platform's role and database, the members' roles, and the exporter's; safe to repeat.
-- What is written here need not be on another member yet: it is written again by whoever becomes primary.
SET synchronous_commit TO local;
\getenv owner POSTGRES_USER
\getenv password POSTGRES_PASSWORD
\getenv database POSTGRES_DB
\getenv monitor POSTGRES_MONITOR_USER
\getenv monitor_password POSTGRES_MONITOR_PASSWORD
\getenv backup_password POSTGRES_BACKUP_PASSWORD
\getenv replication_password POSTGRES_REPLICATION_PASSWORD
\getenv rewind_password POSTGRES_REWIND_PASSWORD
\set archive_password ''
\getenv archive_password POSTGRES_ARCHIVE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
ALTER ROLE :"owner" WITH LOGIN NOSUPERUSER NOREPLICATION CREATEROLE PASSWORD :'password';
SELECT format('REVOKE pg_read_all_data FROM %I', :'owner') -- which backups of an earlier version had as the owner
  WHERE pg_has_role(:'owner', 'pg_read_all_data', 'MEMBER') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT :'monitor' <> '' AND :'monitor' <> :'owner' AS has_monitor, :'replication_password' <> '' AS has_replication,
  :'rewind_password' <> '' AS has_rewind, :'backup_password' <> '' AS has_backup, :'archive_password' <> '' AS has_archive \gset
\if :has_monitor
SELECT format('CREATE ROLE %I LOGIN', :'monitor') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'monitor') \gexec
ALTER ROLE :"monitor" WITH LOGIN PASSWORD :'monitor_password';
GRANT pg_monitor TO :"monitor";
GRANT CONNECT ON DATABASE :"database" TO :"monitor";
\endif
-- Backups: all rows, whoever owns them and whatever policies or large objects' owners say; nothing is ever written as this role.
\if :has_backup
SELECT 'CREATE ROLE vcci_backup' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vcci_backup') \gexec
ALTER ROLE vcci_backup WITH LOGIN BYPASSRLS PASSWORD :'backup_password';
ALTER ROLE vcci_backup SET default_transaction_read_only = on;
ALTER ROLE vcci_backup SET lo_compat_privileges = on;
GRANT pg_read_all_data TO vcci_backup;
GRANT CONNECT ON DATABASE :"database" TO vcci_backup;
\endif
-- What a dump holds is restored as this one, over the socket alone, which may then be one owner at a time (lib/dump_server.py).
SELECT 'CREATE ROLE vcci_restore LOGIN NOINHERIT' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vcci_restore') \gexec
-- Members stream as the first, and nobody else may: whoever streams can acknowledge commits. As the second they find out where they parted.
\if :has_replication
SELECT 'CREATE ROLE vcci_replication' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vcci_replication') \gexec
ALTER ROLE vcci_replication WITH LOGIN REPLICATION PASSWORD :'replication_password';
\endif
\if :has_rewind
SELECT 'CREATE ROLE vcci_rewind' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vcci_rewind') \gexec
ALTER ROLE vcci_rewind WITH LOGIN PASSWORD :'rewind_password';
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text, boolean, boolean), pg_catalog.pg_stat_file(text, boolean),
  pg_catalog.pg_read_binary_file(text), pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO vcci_rewind;
\endif
-- Who may ask the primary's sidecar for a backup and read its answer, and nothing else. The requests are where no dump of the platform's database has them.
\if :has_archive
SET client_min_messages TO warning;
SELECT 'CREATE ROLE vcci_archive' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vcci_archive') \gexec
ALTER ROLE vcci_archive WITH LOGIN PASSWORD :'archive_password';
CREATE SCHEMA IF NOT EXISTS vcci_archive;
CREATE TABLE IF NOT EXISTS vcci_archive.requests (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  what text NOT NULL CHECK (what ~ '^(auto|full|diff|incr|expire [0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?)$'),
  asked timestamptz NOT NULL DEFAULT now(),
  changed timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'asked',
  member text NOT NULL DEFAULT '',
  said text NOT NULL DEFAULT '');
GRANT USAGE ON SCHEMA vcci_archive TO vcci_archive;
GRANT SELECT, INSERT (what) ON vcci_archive.requests TO vcci_archive;
\endif
