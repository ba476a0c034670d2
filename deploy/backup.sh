#!/usr/bin/env bash
# Writes a backup of the database that the environment names (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; see pg_dump)
# to FILE, as of one moment, while the service goes on writing.
#
#   deploy/backup.sh FILE
set -euo pipefail
umask 077 # it holds addresses and the hashes of passwords

file=${1:?usage: deploy/backup.sh FILE}
# Failed logins are counted in an unlogged table: not worth keeping, and not there on a standby.
pg_dump --format=custom --no-owner --no-privileges --exclude-table-data=auth_login_failures --file="$file.part"
mv "$file.part" "$file" # a backup that broke off has no name that looks like one
