-- Full-text search: a generated vector, so that no write can forget it, and its inverted index.
-- 'simple' folds case and nothing else; `Search:Configuration` names another one, and `migrate` then rebuilds the column.

alter table comments_comments
  add column search tsvector generated always as (to_tsvector('simple', content)) stored;

create index comments_comments_search on comments_comments using gin (search);
