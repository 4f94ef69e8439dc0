#!/bin/sh
# Runs once, on an empty data folder. The application's role is no superuser, so that row-level security can bind it
# once there are policies; there are none yet, and the role owns its tables.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set=secret="$ASTRA_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE astra LOGIN PASSWORD :'secret';
CREATE DATABASE astra OWNER astra;
SQL
