-- What lets an import be run again, because it was interrupted or because the other side went on: which comment of a
-- source became which comment here. No foreign key, on purpose: a comment that was deleted here keeps its row, and is not
-- brought back by the next import.

create table imported_comments (
  source      text   not null,
  external_id text   not null,
  comment_id  bigint not null,
  constraint imported_comments_key primary key (source, external_id)
);

-- The name under which this database's own exports are known elsewhere. A copy of the database has the same: its comments are the same.

create table export_source (
  id uuid not null default gen_random_uuid() constraint export_source_key primary key
);

insert into export_source default values;
