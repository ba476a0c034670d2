-- One like a user and comment; the key makes a second one impossible.

create table comments_likes (
  comment_id bigint      not null constraint comments_likes_comment_exists references comments_comments (id) on delete cascade,
  user_id    bigint      not null constraint comments_likes_user_exists references auth_users (id) on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  constraint comments_likes_key primary key (comment_id, user_id)
);

-- All that a user liked, newest first.
create index comments_likes_user on comments_likes (user_id, created_at, comment_id);
