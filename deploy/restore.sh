#!/usr/bin/env bash
# Restores a backup of deploy/backup.sh into an empty database, set by the same environment variables, and then checks the
# invariants of every thread, before the first request is served.
#
#   ConnectionStrings__Comments=… deploy/restore.sh FILE [the service's command, by default: dotnet ClosureTable.Api.dll]
set -euo pipefail

file=${1:?usage: deploy/restore.sh FILE [COMMAND…]}
shift
(($# > 0)) || set -- dotnet ClosureTable.Api.dll

# All or nothing: an interrupted restore leaves the database empty.
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="${PGDATABASE:?}" "$file"
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$PGDATABASE" --command='analyze'
"$@" migrate # also renumbers the events with this server's transactions
"$@" verify
