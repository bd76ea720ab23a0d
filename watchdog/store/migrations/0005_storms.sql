-- Storms: many incidents of one team and source at once are one incident, with members.

alter table incident
    -- The storm that it joined, or was split out of.
    add column storm_id bigint references incident (id) deferrable initially deferred,
    add constraint incident_joined check (cause_kind <> 'joined' or storm_id is not null);

create index incident_storms on incident (team, source) where kind = 'storm' and state <> 'resolved';

-- What joins a storm ends by that, as what is withdrawn does.
alter table event drop constraint event_move;
alter table event add constraint event_move check (
    case when previous_state is null then state = 'open'
        else previous_state = state
            or (previous_state, state) in (
                ('open', 'taken'), ('open', 'recovered'), ('taken', 'recovered'),
                ('recovered', 'open'), ('recovered', 'resolved')
            )
            or (previous_state, state, event) in (
                ('taken', 'open', 'expired'), ('taken', 'open', 'given_back'),
                ('open', 'resolved', 'joined')
            )
            or (
                (previous_state, state) in (('open', 'resolved'), ('taken', 'resolved'))
                and event = 'withdrawn'
            )
    end
);

alter table incident drop constraint incident_answered;
alter table incident add constraint incident_answered check (
    state <> 'resolved' or cause_kind in ('withdrawn', 'not given', 'joined') or prevention_words ~ '\S'
) not valid;

create table member (
    incident_id bigint not null references incident (id) deferrable initially deferred,
    -- Its place in the list; it stays.
    number integer not null check (number >= 1),
    fingerprint bytea not null check (length(fingerprint) = 32),
    rule text not null,
    identity text not null,
    entity jsonb not null,
    title text not null,
    severity text not null check (severity in ('info', 'warning', 'critical')),
    failure_class text not null default '',
    state text not null default 'bad' check (state in ('bad', 'good', 'split', 'gone')),
    value double precision,
    value_limit double precision,
    fact text not null default '',
    detail text not null default '',
    -- When it joined, or was bad again in the storm for the last time.
    joined_at timestamptz not null,
    first_bad_at timestamptz not null,
    first_good_at timestamptz,
    -- Why nobody watches it any more.
    reason text not null default '',
    -- The incident that it became.
    split_id bigint references incident (id) deferrable initially deferred,
    primary key (incident_id, fingerprint),
    unique (incident_id, number),
    check ((state = 'good') = (first_good_at is not null)),
    check ((state = 'gone') = (reason <> '')),
    check ((state = 'split') = (split_id is not null))
);

-- I1, for members: what is bad is bad in one storm.
create unique index member_one_bad on member (fingerprint) where state = 'bad';
create index member_bad on member (incident_id) where state = 'bad';
create index member_split on member (incident_id) where state = 'split';
create index member_rule on member (rule);

-- I1 across both tables: a bad member and a live incident never stand for the same thing. Looked at once a
-- statement; by their indexes, since a plan made while a table is empty is kept when ten thousand are in it.
create function member_is_alone() returns trigger language plpgsql set enable_seqscan = off as $$
begin
    if exists (
        select from written w join watchdog.incident i
            on i.fingerprint = w.fingerprint and i.state in ('open', 'taken')
        where w.state = 'bad'
    ) then
        raise exception 'a member of a storm has an incident of its own' using errcode = 'WD001';
    end if;
    return null;
end
$$;

create trigger member_is_alone_at_first after insert on member
    referencing new table as written for each statement execute function member_is_alone();
create trigger member_is_alone_again after update on member
    referencing new table as written for each statement execute function member_is_alone();

-- The same from the other side; and a storm is not over while a member is bad.
create function incident_is_alone() returns trigger language plpgsql set enable_seqscan = off as $$
begin
    if exists (
        select from written w join watchdog.member m on m.fingerprint = w.fingerprint and m.state = 'bad'
        where w.state in ('open', 'taken')
    ) then
        raise exception 'an incident is open about a member of a storm' using errcode = 'WD001';
    end if;
    if exists (
        select from written w join watchdog.member m on m.incident_id = w.id and m.state = 'bad'
        where w.kind = 'storm' and w.state in ('recovered', 'resolved')
    ) then
        raise exception 'a storm cannot be over while a member is bad' using errcode = 'WD001';
    end if;
    return null;
end
$$;

create trigger incident_is_alone_at_first after insert on incident
    referencing new table as written for each statement execute function incident_is_alone();
create trigger incident_is_alone_again after update on incident
    referencing new table as written for each statement execute function incident_is_alone();
