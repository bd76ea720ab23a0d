-- The rest of an incident's life: what people say of it against its checks, who cannot be reached, and who is
-- reminded of what.

alter table incident
    -- Why the page to its owner does not reach them; it is passed on then.
    add column missed text not null default '',
    add column snoozed_until timestamptz,
    -- When a person said that it is not well though its checks are good.
    add column reopened_at timestamptz,
    add column noted_at timestamptz,
    add column reminded_at timestamptz,
    -- Why it needed nobody, for the figures of noise.
    add column unneeded text not null default ''
        check (unneeded in ('', 'false positive', 'not actionable', 'poor details')),
    add column unneeded_words text not null default '';

-- What ends with a cause has recovered, or was reopened though its checks were good; all else is withdrawn, or
-- part of a storm.
alter table incident add constraint incident_ended_rightly check (
    state <> 'resolved' or recovered_at is not null or reopened_at is not null
    or cause_kind in ('withdrawn', 'joined')
) not valid;

-- Since when an entity with an incident has been gone from the data.
alter table track add column gone_since timestamptz;

-- I11: what people do takes effect at most once an action id, by whatever road and however often it arrives.
create table deed (
    action_id text primary key check (action_id ~ '\S' and length(action_id) <= 100),
    incident_id bigint not null,
    version integer not null,
    at timestamptz not null,
    foreign key (incident_id, version) references event (incident_id, version) deferrable initially deferred
);

create index deed_at on deed (at);

-- I9: every change of state is one that the table of moves has, by one of its events; see domain/moves.py.
alter table event drop constraint event_move;
alter table event add constraint event_move check (
    case when previous_state is null then state = 'open'
        else previous_state = state
            or (previous_state, state, event) in (
                ('open', 'taken', 'taken'),
                ('taken', 'open', 'expired'), ('taken', 'open', 'given_back'),
                ('open', 'recovered', 'recovered'), ('taken', 'recovered', 'recovered'),
                ('recovered', 'open', 'back_again'),
                ('recovered', 'taken', 'reopened'), ('resolved', 'taken', 'reopened'),
                ('recovered', 'resolved', 'resolved'),
                ('open', 'resolved', 'resolved'), ('taken', 'resolved', 'resolved'),
                ('open', 'resolved', 'withdrawn'), ('taken', 'resolved', 'withdrawn'),
                ('open', 'resolved', 'joined')
            )
    end
);
