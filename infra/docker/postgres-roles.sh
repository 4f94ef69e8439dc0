#!/bin/sh
# Runs once, on an empty data folder; and by hand, with web, gRPC, workers and sweeper stopped, on one of a version
# whose application owned its tables:
#   docker compose exec postgres /docker-entrypoint-initdb.d/10-roles.sh
# `astra_owner` owns the database and migrates it. `astra` is the application: no superuser, no owner, without
# BYPASSRLS, so that the row-level security of the tables binds it. What it may do the migration grants.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=secret="$ASTRA_DATABASE_PASSWORD" --set=owner_secret="$ASTRA_DATABASE_OWNER_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE astra_owner' WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'astra_owner') \gexec
SELECT 'CREATE ROLE astra' WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'astra') \gexec
ALTER ROLE astra_owner LOGIN PASSWORD :'owner_secret';
ALTER ROLE astra LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'secret';
SELECT 'CREATE DATABASE astra OWNER astra_owner' WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'astra') \gexec
\connect astra
REASSIGN OWNED BY astra TO astra_owner;
SQL
