-- name: queue_mails
-- $2 mails have waited for $3.
insert into email_delivery_logs (event_type, to_email, status, idempotency_key, created_at)
select 'reply', 'customer' || n || '@example.com', 'QUEUED', gen_random_uuid()::text,
       $1::timestamptz - $3::interval
from generate_series(1, $2::integer) as n

-- name: send_waiting_mails
-- Everything that waits is sent.
update email_delivery_logs set status = 'SENT', attempts = attempts + 1 where status = 'QUEUED'

-- name: fail_mails
-- $2 mails written $3 ago failed $4 times.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, last_error, idempotency_key, created_at)
select 'reply', 'customer' || n || '@example.com', 'FAILED', $4::integer,
       'SMTP 421: connection timed out', gen_random_uuid()::text, $1::timestamptz - $3::interval
from generate_series(1, $2::integer) as n

-- name: fill_failed_mails
-- Exactly $2 mails of the last day have failed, three times each.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, last_error, idempotency_key, created_at)
select 'reply', 'customer' || n || '@example.com', 'FAILED', 3,
       'SMTP 421: connection timed out', gen_random_uuid()::text, $1::timestamptz
from generate_series(1, $2::integer - (
    select count(*) from email_delivery_logs
    where status = 'FAILED' and created_at > $1::timestamptz - interval '1 day')) as n

-- name: send_failed_mails
-- The mails that failed lately are sent after all.
update email_delivery_logs set status = 'SENT', attempts = attempts + 1
where status = 'FAILED' and created_at > $1::timestamptz - interval '2 days'
