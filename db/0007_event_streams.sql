-- What the streams of a topic ask of comments_events (see 0002).

-- What a snapshot did not see of one topic, however much happened in the others meanwhile.
create index comments_events_topic on comments_events (topic, xid) where topic is not null;

-- The greatest transaction of which events were pruned: one row. A client whose position may not have seen it cannot be
-- told what it missed. (A thread's versions tell by themselves where some are missing.)
create table comments_events_pruned (
  only_row boolean primary key default true constraint comments_events_pruned_one_row check (only_row),
  through  xid8    not null
);

insert into comments_events_pruned (through) values ('0');
