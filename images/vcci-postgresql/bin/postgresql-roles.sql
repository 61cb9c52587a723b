-- Copyright (c) 2026 GreenLang. All rights reserved.
-- Owner: the data layer (roles/data). The platform's role and database, and the exporter's role; safe to repeat.
\getenv owner POSTGRES_USER
\getenv password POSTGRES_PASSWORD
\getenv database POSTGRES_DB
\getenv monitor POSTGRES_MONITOR_USER
\getenv monitor_password POSTGRES_MONITOR_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'owner') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
ALTER ROLE :"owner" WITH LOGIN NOSUPERUSER CREATEROLE PASSWORD :'password';
-- The nightly backup logs in as the owner and dumps the whole database: schemas of tenants, which belong to roles of their own, too.
GRANT pg_read_all_data TO :"owner";
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SELECT :'monitor' <> '' AND :'monitor' <> :'owner' AS has_monitor \gset
\if :has_monitor
SELECT format('CREATE ROLE %I LOGIN', :'monitor') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'monitor') \gexec
ALTER ROLE :"monitor" WITH LOGIN PASSWORD :'monitor_password';
GRANT pg_monitor TO :"monitor";
GRANT CONNECT ON DATABASE :"database" TO :"monitor";
\endif
