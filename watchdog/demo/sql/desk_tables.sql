-- The tables of support_desk, as its users named them.

create table alembic_version (version_num varchar(32) primary key);
insert into alembic_version values ('a41c09e7d2f3');

create table support_threads (
    id bigint generated always as identity primary key,
    subject text not null,
    status text not null,
    created_at timestamptz not null
);
create table support_messages (
    id bigint generated always as identity primary key,
    thread_id bigint not null,
    body text not null,
    created_at timestamptz not null
);
create table support_tokens (
    id bigint generated always as identity primary key,
    token_hash text not null,
    assignment_id bigint not null,
    thread_id bigint not null references support_threads (id),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    is_revoked boolean not null default false,
    use_count integer not null default 0
);
create table email_delivery_logs (
    id bigint generated always as identity primary key,
    event_type text not null,
    to_email text not null,
    status text not null check (status in ('QUEUED', 'SENT', 'FAILED')),
    attempts integer not null default 0,
    last_error text,
    idempotency_key text,
    created_at timestamptz not null
);
-- Errors are kept as they are: a page of repeated words would be packed into nothing.
alter table email_delivery_logs alter column last_error set storage external;
