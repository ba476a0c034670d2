-- What a comment said before each edit, for its author and moderators.

create table comments_revisions (
  comment_id bigint      not null constraint comments_revisions_comment_exists references comments_comments (id) on delete cascade,
  revision   int         not null,
  content    text        not null,
  written_at timestamptz not null,
  editor_id  bigint      constraint comments_revisions_editor_exists references auth_users (id) on delete set null,
  constraint comments_revisions_key primary key (comment_id, revision)
);
