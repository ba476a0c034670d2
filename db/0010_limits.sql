-- The limits that the API states, held by the database too; Data/DatabaseFailures.cs knows these constraints by their names.
-- Not validated: that reads every row under the lock that `add constraint` holds until this script commits, and the API has
-- always enforced these limits. `alter table … validate constraint …` may be run at any time; it blocks no reads and no writes.

alter table comments_comments add constraint comments_comments_content_length check (char_length(content) <= 10000) not valid;
alter table comments_revisions add constraint comments_revisions_content_length check (char_length(content) <= 10000) not valid;
alter table auth_users add constraint auth_users_name_length check (char_length(name) between 1 and 64) not valid;
alter table auth_users add constraint auth_users_email_length check (char_length(email) <= 254) not valid;
alter table idempotency_keys add constraint idempotency_keys_key_length check (char_length(key) between 1 and 255) not valid;

-- These had the names that PostgreSQL makes up.
alter table idempotency_keys rename constraint idempotency_keys_user_id_fkey to idempotency_keys_user_exists;
alter table auth_refresh_tokens rename constraint auth_refresh_tokens_user_id_fkey to auth_refresh_tokens_user_exists;
