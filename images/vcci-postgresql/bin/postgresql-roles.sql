-- Copyright (c) 2026 GreenLang. All rights reserved.
-- Owner: the data layer (roles/data). The platform's role and database, the members' roles, and the exporter's; safe to repeat.
-- What is written here need not be on another member yet: it is written again by whoever becomes primary.
SET synchronous_commit TO local;
\getenv owner POSTGRES_USER
\getenv password POSTGRES_PASSWORD
\getenv database POSTGRES_DB
\getenv monitor POSTGRES_MONITOR_USER
\getenv monitor_password POSTGRES_MONITOR_PASSWORD
\getenv replication_password POSTGRES_REPLICATION_PASSWORD
\getenv rewind_password POSTGRES_REWIND_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
ALTER ROLE :"owner" WITH LOGIN NOSUPERUSER NOREPLICATION CREATEROLE PASSWORD :'password';
-- The nightly backup logs in as the owner and dumps the whole database: schemas of tenants, which belong to roles of their own, too.
GRANT pg_read_all_data TO :"owner";
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT :'monitor' <> '' AND :'monitor' <> :'owner' AS has_monitor, :'replication_password' <> '' AS has_replication,
  :'rewind_password' <> '' AS has_rewind \gset
\if :has_monitor
SELECT format('CREATE ROLE %I LOGIN', :'monitor') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'monitor') \gexec
ALTER ROLE :"monitor" WITH LOGIN PASSWORD :'monitor_password';
GRANT pg_monitor TO :"monitor";
GRANT CONNECT ON DATABASE :"database" TO :"monitor";
\endif
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
