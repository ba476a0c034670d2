-- Who writes: accounts with a password of ours, or seen through an OpenID Connect issuer, and the refresh tokens of
-- their sessions. Addresses are unique without regard to case; a refresh token is kept as its SHA-256 only, so that a
-- stolen backup opens nobody's session.

create table auth_users (
  id            bigint generated always as identity primary key,
  email         text,
  name          text        not null,
  password_hash text,
  role          text        not null default 'user' constraint auth_users_role_known check (role in ('user', 'moderator')),
  issuer        text,
  subject       text,
  created_at    timestamptz not null default now(),
  disabled_at   timestamptz,
  constraint auth_users_external_key unique (issuer, subject),
  constraint auth_users_signs_in_somehow check (password_hash is not null and email is not null or issuer is not null and subject is not null)
);

create unique index auth_users_email_key on auth_users (lower(email)) where issuer is null;

-- A family is one sign-in; each refresh spends a token and adds the next one. Reuse of a spent token revokes the family.
create table auth_refresh_tokens (
  token_hash bytea       primary key,
  family_id  uuid        not null,
  user_id    bigint      not null references auth_users (id) on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  spent_at   timestamptz,
  revoked_at timestamptz
);

create index auth_refresh_tokens_family on auth_refresh_tokens (family_id);
create index auth_refresh_tokens_user on auth_refresh_tokens (user_id);
create index auth_refresh_tokens_expiry on auth_refresh_tokens (expires_at);
