-- name: send_mails
-- Mails that have waited for $2 are sent; those stuck for longer than a quarter of an hour are
-- left where they are when $3 says so.
update email_delivery_logs set status = 'SENT', attempts = attempts + 1
where status = 'QUEUED' and created_at <= $1::timestamptz - $2::interval
  and not ($3::boolean and created_at <= $1::timestamptz - interval '15 minutes')

-- name: queue_mails
-- New mails come until $2 of them wait.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, idempotency_key, created_at)
select 'reply', 'customer' || n || '@example.com', 'QUEUED', 0, gen_random_uuid()::text, $1
from generate_series(
    1, $2::integer - (select count(*) from email_delivery_logs where status = 'QUEUED')) as n

-- name: add_message
-- Somebody writes at most once a minute.
insert into support_messages (thread_id, body, created_at)
select (select max(id) from support_threads), 'Thank you, that helped', $1
where $1 >= (select created_at + interval '1 minute' from support_messages order by id desc limit 1)

-- name: count_mails
-- What the health document says about the queue.
select count(*) filter (where status = 'QUEUED') as pending,
       count(*) filter (where status = 'FAILED') as failed
from email_delivery_logs
where status = 'QUEUED' or status = 'FAILED' and created_at > $1::timestamptz - interval '1 day'

-- name: read_revision
-- The migration the database is at.
select version_num from alembic_version

-- name: extend_tokens
-- Tokens that are used are renewed a week before they end.
update support_tokens set expires_at = $1::timestamptz + interval '30 days'
where not is_revoked and expires_at < $1::timestamptz + interval '7 days'

-- name: forget_mails
-- The log is archived long before it grows large.
delete from email_delivery_logs where created_at < $1::timestamptz - interval '85 days'
