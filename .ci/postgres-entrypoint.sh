#!/usr/bin/env bash
# The entry point of the PostgreSQL stand-in image: as much of the official image's behaviour as this project relies on.
# POSTGRES_USER is a superuser with POSTGRES_PASSWORD and owns POSTGRES_DB; the arguments are the server's.
set -euo pipefail

: "${POSTGRES_PASSWORD:?the superuser needs a password}"
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [[ ${1:-} == postgres ]]; then shift; fi

# The server refuses to run as root; the volume comes mounted as root's.
if [[ $(id -u) == 0 ]]; then
  install --directory --owner=postgres --group=postgres --mode=700 "$PGDATA"
  install --directory --owner=postgres --group=postgres --mode=775 /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
  initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=trust --auth-host=scram-sha-256 --no-instructions
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  # In single-user mode, so that the server is not visible before it is complete.
  if [[ $database != postgres ]]; then
    postgres --single -j postgres <<< "create database \"$database\";"
  fi
fi

exec postgres -c listen_addresses='*' "$@"
