-- Search ranks the newest matches only, and finds them without looking at the others: each comment's blocks of ids stand in the index
-- beside its words, as '#12.244' for the block of 4,096 ids, '#15.30' for that of 32,768 and so on. No word of a text looks like that.
-- comments_comments_search stays for instances of the version before. Building the index takes some ten seconds a million comments,
-- in which comments can be read and not written.

create function comments_search_ages(id bigint) returns tsvector
  language sql immutable parallel safe
  return array_to_tsvector(array['#12.' || (id >> 12), '#15.' || (id >> 15), '#18.' || (id >> 18), '#21.' || (id >> 21)]);

create index comments_comments_search_by_age on comments_comments using gin ((search || comments_search_ages(id)));
