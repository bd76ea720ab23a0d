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

-- name: try_mails_again
-- The mails that were given up are tried once more, in vain.
update email_delivery_logs set attempts = attempts + 1
where status = 'FAILED' and attempts >= 5 and created_at > $1::timestamptz - interval '1 day'

-- name: set_revision
-- From now on the database is at migration $2.
update alembic_version set version_num = $2::text where $1::timestamptz is not null

-- name: repeat_mails
-- $2 mails were written twice with the same key.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, idempotency_key, created_at)
select 'assignment', 'twice' || n || '@example.com', 'SENT', 1, 'twice-' || n,
       $1::timestamptz - copy * interval '5 seconds'
from generate_series(1, $2::integer) as n, generate_series(1, 2) as copy

-- name: write_keyless_mails
-- $2 mails have no key.
insert into email_delivery_logs (event_type, to_email, status, attempts, created_at)
select 'assignment', 'twice' || n || '@example.com', 'SENT', 1, $1::timestamptz
from generate_series(1, $2::integer) as n

-- name: forget_repeated_mails
-- What was written twice, or without a key, is deleted.
delete from email_delivery_logs where to_email like 'twice%@example.com'

-- name: fill_mail_log
-- The log grows to $2 megabytes, by mails of $3 ago with very long errors.
insert into email_delivery_logs
    (event_type, to_email, status, attempts, last_error, idempotency_key, created_at)
select 'reply', 'filler' || n || '@example.com', 'FAILED', 5, repeat('SMTP 554: rejected. ', 25000),
       gen_random_uuid()::text, $1::timestamptz - $3::interval
from generate_series(1, greatest(1, ($2::integer * 1000000
    - pg_total_relation_size('email_delivery_logs')) / 530000)::integer) as n

-- name: archive_mail_log
-- The long ones are archived, and the table is written anew: what is only deleted keeps its room.
do $$
begin
    create temporary table kept on commit drop as
        select * from email_delivery_logs where to_email not like 'filler%@example.com';
    truncate email_delivery_logs;
    insert into email_delivery_logs overriding system value select * from kept;
end
$$

-- name: slow_down
-- Whoever reads messages with the rights of rules waits for more than a second.
create policy slow on support_messages for select to demo_reader
    using ((select true from pg_sleep(1.1)));
alter table support_messages enable row level security

-- name: speed_up
-- Reading messages is quick again.
alter table support_messages disable row level security;
drop policy if exists slow on support_messages

-- name: end_tokens
-- $2 tokens that are used end in $3; of those that are $4, revoked or not.
update support_tokens set expires_at = $1::timestamptz + $3::interval
where id in (
    select id from support_tokens where is_revoked = $4::boolean order by id limit $2::integer)

-- name: extend_tokens
-- Tokens that end within two days are prolonged.
update support_tokens set expires_at = $1::timestamptz + interval '30 days'
where expires_at between $1::timestamptz and $1::timestamptz + interval '2 days'
