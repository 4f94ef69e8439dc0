#!/bin/sh
# Runs once, on an empty data folder: the application's role is no superuser, so row-level security holds for it.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set=secret="$ASTRA_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE astra LOGIN PASSWORD :'secret';
CREATE DATABASE astra OWNER astra;
SQL
