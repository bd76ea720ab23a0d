-- Guarded recovery actions: each run is a row before its first byte leaves, and how it ended stays as it was written.
-- The previous release does not look here.

create table action_run (
    incident_id bigint not null references incident (id),
    number integer not null check (number >= 1),
    rule text not null check (rule ~ '\S'),
    action text not null check (action ~ '\S'),
    label text not null check (label ~ '\S'),
    person text not null check (person ~ '\S'),
    state text not null check (
        state in ('waiting', 'running', 'done', 'busy', 'refused', 'failed', 'unknown', 'lapsed')
    ),
    -- What a receiver may tell the same call by.
    key text not null check (key ~ '\S'),
    hypothesis text not null default '',
    mitigation text not null default '',
    two_people boolean not null default false,
    approved_by text not null default '',
    asked_at timestamptz not null,
    started_at timestamptz,
    -- When one that waits lapses, and nobody can know any more what came of one that runs.
    ends_by timestamptz not null,
    ended_at timestamptz,
    words text not null default '',
    rows bigint check (rows >= 0),
    primary key (incident_id, number),
    constraint action_run_ends check ((state in ('waiting', 'running')) = (ended_at is null)),
    constraint action_run_starts check ((state in ('waiting', 'lapsed')) = (started_at is null)),
    constraint action_run_says_how check (ended_at is null or words ~ '\S'),
    -- Nobody approves their own, and what needs two people does not begin with one.
    constraint action_run_approved check (
        approved_by <> person
        and (started_at is null or not two_people or approved_by <> '')
    )
);

-- One at a time: whoever comes second waits for its end, or is told that nobody knows it.
create unique index action_run_alone on action_run (incident_id) where state in ('waiting', 'running');
create index action_run_due on action_run (ends_by) where state in ('waiting', 'running');
create index action_run_of_rule on action_run (rule, action, started_at);

-- I12: what was asked for stays, a run goes forward only, and it ends once.
create function action_run_forward() returns trigger language plpgsql as $$
begin
    if row(old.incident_id, old.number, old.rule, old.action, old.person, old.key, old.hypothesis, old.mitigation,
           old.two_people, old.asked_at)
        is distinct from
        row(new.incident_id, new.number, new.rule, new.action, new.person, new.key, new.hypothesis, new.mitigation,
            new.two_people, new.asked_at) then
        raise exception 'run % of incident %: what was asked for is not rewritten', old.number, old.incident_id
            using errcode = 'WD012';
    end if;
    if not (
        (old.state = 'waiting' and new.state in ('running', 'lapsed'))
        or (old.state = 'running' and new.state in ('done', 'busy', 'refused', 'failed', 'unknown'))
    ) then
        raise exception 'run % of incident %: % cannot become %', old.number, old.incident_id, old.state, new.state
            using errcode = 'WD012';
    end if;
    return new;
end
$$;

create trigger action_run_forward before update on action_run
    for each row execute function action_run_forward();
