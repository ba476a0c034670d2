-- The first answer to a request that carried an Idempotency-Key, written by the transaction that did the work:
-- either both are there or neither, so a retry after a lost answer finds what really happened.

create table idempotency_keys (
  user_id      bigint      not null references auth_users (id) on delete cascade,
  key          text        not null,
  request_hash bytea       not null,
  status       int         not null,
  location     text,
  body         bytea       not null,
  created_at   timestamptz not null default now(),
  constraint idempotency_keys_key primary key (user_id, key)
);

create index idempotency_keys_age on idempotency_keys (created_at);
