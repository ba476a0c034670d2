-- 0001 and 0002 were edited after their first release. This brings a database that was made by an earlier form of them to the
-- schema that a new one has, and changes nothing else. From here on the journal knows the checksum of each script (SHA-256, lines
-- ending in \n), and the service refuses to start where an applied script was edited.

alter table public.schema_versions add column if not exists checksum text;

create index if not exists auth_users_disabled on auth_users (disabled_at) where disabled_at is not null;

create unlogged table if not exists auth_login_failures (
  key       text        primary key,
  failures  int         not null,
  resets_at timestamptz not null
);

create index if not exists auth_login_failures_expiry on auth_login_failures (resets_at);

do $body$
begin
  if not exists (
    select from pg_attribute where attrelid = 'comments_threads'::regclass and attname = 'tombstone_count' and not attisdropped
  ) then
    alter table comments_threads
      add column tombstone_count int not null default 0,
      drop constraint comments_threads_counts_not_negative,
      add constraint comments_threads_counts_not_negative check (comment_count >= tombstone_count and tombstone_count >= 0 and like_count >= 0);
    update comments_threads thread
    set tombstone_count = deleted.count
    from (select root_id, count(*) from comments_comments where deleted_at is not null group by root_id) deleted
    where thread.root_id = deleted.root_id;
  end if;

  -- They had `where comment_count > 0`, which made each reply write all of them anew.
  if exists (select from pg_index where indexrelid = 'comments_threads_by_age'::regclass and indpred is not null) then
    drop index comments_threads_by_age, comments_threads_by_likes, comments_threads_topic_by_age, comments_threads_topic_by_likes;
    create index comments_threads_by_age on comments_threads (created_at, root_id);
    create index comments_threads_by_likes on comments_threads (like_count, root_id);
    create index comments_threads_topic_by_age on comments_threads (topic, created_at, root_id);
    create index comments_threads_topic_by_likes on comments_threads (topic, like_count, root_id);
  end if;
end
$body$;
