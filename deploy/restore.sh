#!/usr/bin/env bash
# Restores a backup of deploy/backup.sh into an empty database that the environment names, and proves that it is sound: the
# invariants of every thread are checked before the first request is served from it.
#
#   ConnectionStrings__Comments=… deploy/restore.sh FILE [the service's command, by default: dotnet ClosureTable.Api.dll]
set -euo pipefail

file=${1:?usage: deploy/restore.sh FILE [COMMAND…]}
shift
(($# > 0)) || set -- dotnet ClosureTable.Api.dll

# All of it or nothing: a restore that breaks off leaves the database as empty as it was.
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="${PGDATABASE:?}" "$file"
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$PGDATABASE" --command='analyze'
"$@" migrate # which also gives the events numbers of this server's transactions
"$@" verify
