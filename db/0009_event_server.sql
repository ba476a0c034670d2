-- Whose transactions comments_events numbers: the server, and the database in it. Null, and everything else that is not this one, is noticed
-- when the service starts, which gives the events numbers of this server: a dump that was restored, however that was done.
alter table comments_events_pruned add column server text;
