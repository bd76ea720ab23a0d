-- A switch that stops all recovery actions, and what each run was asked to do. The previous release does not look here.

create table action_stop (
    number bigint generated always as identity primary key,
    person text not null check (person ~ '\S'),
    words text not null check (words ~ '\S'),
    stopped_at timestamptz not null,
    lifted_by text not null default '',
    lifted_at timestamptz,
    check ((lifted_at is null) = (lifted_by = ''))
);

-- It is on or off.
create unique index action_stop_alone on action_stop ((true)) where lifted_at is null;

-- A digest of what the action did when it was asked for: who approves it approves that.
alter table action_run add column what text not null default '';
