-- name: add_threads
-- Three thousand conversations of the last 200 days.
insert into support_threads (subject, status, created_at)
select 'Conversation ' || n, case when n < 2950 then 'closed' else 'open' end,
       $1::timestamptz - (3001 - n) * interval '96 minutes'
from generate_series(1, 3000) as n

-- name: add_messages
-- Three messages in each.
insert into support_messages (thread_id, body, created_at)
select t.id, 'Message ' || n, t.created_at + n * interval '20 minutes'
from support_threads as t, generate_series(1, 3) as n
where t.created_at < $1::timestamptz - interval '1 hour'

-- name: add_tokens
-- Every second conversation has a token; it ends in a month, or is revoked.
insert into support_tokens
    (token_hash, assignment_id, thread_id, expires_at, revoked_at, is_revoked, use_count)
select encode(sha256(id::text::bytea), 'hex'), id * 7, id, $1::timestamptz + interval '30 days',
       case when status = 'closed' then created_at + interval '1 day' end,
       status = 'closed', 1 + id % 5
from support_threads
where id % 2 = 0

-- name: add_mails
-- Twelve thousand mails; one in two hundred failed for good, none of them within the last day.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, last_error, idempotency_key, created_at)
select (array['reply', 'assignment', 'reminder'])[1 + n % 3],
       'customer' || n % 4000 || '@example.com',
       case when failed then 'FAILED' else 'SENT' end,
       case when failed then 5 else 1 end,
       case when failed then 'SMTP 421: connection timed out' end,
       'mail-' || n,
       $1::timestamptz - (12001 - n) * interval '10 minutes'
from generate_series(1, 12000) as n,
    lateral (select n % 200 = 0 and n < 11800 as failed) as luck
