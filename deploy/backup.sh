#!/usr/bin/env bash
# Writes a consistent backup of a database to FILE, while the service is running. The database is set by PGHOST, PGPORT,
# PGUSER, PGPASSWORD and PGDATABASE; see pg_dump.
#
#   deploy/backup.sh FILE
set -euo pipefail
umask 077 # it contains e-mail addresses and password hashes

file=${1:?usage: deploy/backup.sh FILE}
# Counts of failed logins are in an unlogged table: they are not worth keeping, and a standby does not have them.
pg_dump --format=custom --no-owner --no-privileges --exclude-table-data=auth_login_failures --file="$file.part"
mv "$file.part" "$file" # so that an interrupted backup is not mistaken for a complete one
