-- Answers that are kept for retries say what the comment says only as long as the comment does: body is what is answered when
-- the comment was removed, and a retry is answered from the comment otherwise. Answers of older builds lose their words here.
-- What is older than 24 hours is no answer any more; the service deletes it in small batches.

update idempotency_keys
set body = convert_to((convert_from(body, 'UTF8')::jsonb || '{"content": null, "author": null, "deleted": true}')::text, 'UTF8')
where created_at > now() - interval '24 hours';
