-- The threads in the order of their last comment, all of them and those of a topic: GET /comments?sort=active.

create index comments_threads_by_activity on comments_threads (last_activity_at, root_id);
create index comments_threads_topic_by_activity on comments_threads (topic, last_activity_at, root_id);
