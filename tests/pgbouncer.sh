#!/usr/bin/env bash
# Runs what goes through the pool behind PgBouncer with pooling by transaction, as docs/operations.md says: every request and
# every writer of a storm may get another server connection for each of its transactions. Left out: tests of tokens, quotas and
# settings, which send no statements of their own, and the slow ones.
# Needs PgBouncer and PostgreSQL, and a build. What is left behind: nothing. Sockets in a directory of its own, no ports.
# usage: tests/pgbouncer.sh [arguments for dotnet test]
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
work=$(mktemp -d)
as_user=()
if ((EUID == 0)); then # neither of the two runs as root
  as_user=(runuser -u postgres --)
  chown postgres "$work"
fi

finish() {
  set +e
  if [[ -f $work/pgbouncer.pid ]]; then kill "$(< "$work/pgbouncer.pid")"; fi
  "${as_user[@]}" "$bin/pg_ctl" stop -s -m immediate -D "$work/data"
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

"${as_user[@]}" "$bin/initdb" -D "$work/data" -U closureuser --auth=trust --encoding=UTF8 --locale=C --lc-ctype=C.UTF-8 --no-sync > /dev/null
cat >> "$work/data/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
max_connections = 300
SETTINGS
"${as_user[@]}" "$bin/pg_ctl" start -s -w -D "$work/data" -l "$work/data/server.log"
# What the service leaves to the server behind a pooler.
"$bin/psql" -qX -h "$work" -U closureuser postgres <<'SQL'
alter role closureuser set statement_timeout = '60s';
alter role closureuser set lock_timeout = '5s';
alter role closureuser set idle_in_transaction_session_timeout = '30s';
SQL

cat > "$work/pgbouncer.ini" <<SETTINGS
[databases]
* = host=$work port=5432 user=closureuser

[pgbouncer]
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS:-8}
max_client_conn = 500
auth_type = any
listen_addr =
listen_port = 6432
unix_socket_dir = $work
logfile = $work/pgbouncer.log
pidfile = $work/pgbouncer.pid
SETTINGS
"${as_user[@]}" pgbouncer -q -d "$work/pgbouncer.ini"

export TEST_DATABASE="Host=$work;Port=6432;Database=postgres;Username=closureuser;Max Auto Prepare=0"
export TEST_DIRECT="Host=$work;Port=5432;Username=closureuser"
export Database__StatementTimeout=00:00:00 Database__LockTimeout=00:00:00 Database__IdleInTransactionTimeout=00:00:00
code=0
dotnet test --no-build --no-progress --project tests/ClosureTable.Tests "$@" -- --filter-namespace \
  ClosureTable.Tests.{Accounts,Comments,Feeds,Likes,Search,Threads} \
  --filter-not-class '*.AccessTokenTests' '*.ExternalTokenTests' '*.RateLimitTests' '*.SettingsTests' || code=$?

# A pool that could not grow makes tests fail far from the cause.
grep -E ' (WARNING|ERROR|FATAL) |login failed|pooler error' "$work/pgbouncer.log" | cut -d ' ' -f 5- | sed -E 's/0x[0-9a-f]+//; s/closuretable_test_[0-9a-f]+/…/; s/:[0-9]+//g' |
  sort | uniq -c | sort -rn | head -n 15 || true
"$bin/psql" -qAtX -F ' ' -h "$work" -p 6432 -U closureuser pgbouncer -c 'show stats' |
  awk '{ transactions += $2; queries += $3 } END { print transactions + 0, "transactions and", queries + 0, "statements went through PgBouncer"; exit transactions == 0 }'
exit "$code"
