-- name: ask_recovery
-- Say whether the server is a standby.
select pg_is_in_recovery();

-- name: take_lock
-- Wait until no other replica changes the schema; held until the end of the transaction.
select pg_advisory_xact_lock($1);

-- name: set_lock_timeout
-- Give up on a table that somebody else keeps locked, rather than hold up all who queue behind us.
set local lock_timeout = '5s';

-- name: make_schema
-- Make the schema that everything of ours is in.
create schema if not exists watchdog;

-- name: set_path
-- Find our tables without naming the schema, for this transaction.
set local search_path to watchdog;

-- name: make_table
-- Make the table that records the steps applied.
create table if not exists watchdog.migration (
    number integer primary key,
    name text not null,
    digest bytea not null,
    applied_at timestamptz not null
);

-- name: list_applied
-- List the steps applied, in order.
select number, name, digest from watchdog.migration order by number;

-- name: add_applied
-- Record a step as applied.
insert into watchdog.migration (number, name, digest, applied_at) values ($1, $2, $3, $4);
