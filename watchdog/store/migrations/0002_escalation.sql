-- What becomes of an incident when nobody acts: it climbs its team's escalation, is open again when whoever
-- took it falls silent, and an offer that is not answered ends.

alter table incident
    add column rung integer not null default 0 check (rung >= 0),
    add column paged_at timestamptz,
    add column acted_at timestamptz,
    -- When the service acts unless somebody does before; the rows above and the configuration say it.
    add column due_at timestamptz;

create index incident_due on incident (due_at) where due_at is not null;

-- What is taken may become open again: whoever took it gave it back, or has been silent for too long.
alter table event drop constraint event_check4;
alter table event add constraint event_move check (
    case when previous_state is null then state = 'open'
        else previous_state = state
            or (previous_state, state) in (
                ('open', 'taken'), ('open', 'recovered'), ('taken', 'recovered'),
                ('recovered', 'open'), ('recovered', 'resolved')
            )
            or (previous_state, state, event) in (
                ('taken', 'open', 'expired'), ('taken', 'open', 'given_back')
            )
            or (
                (previous_state, state) in (('open', 'resolved'), ('taken', 'resolved'))
                and event = 'withdrawn'
            )
    end
);
