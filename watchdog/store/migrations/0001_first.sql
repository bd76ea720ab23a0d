-- The first schema. Invariants I1, I2, I5, I7 and I9 are constraints here; code only obeys them.

create table incident (
    id bigint primary key,
    fingerprint bytea not null check (length(fingerprint) = 32),
    rule text not null,
    identity text not null,
    source text not null,
    kind text not null,
    team text not null,
    entity jsonb not null,
    title text not null,
    severity text not null check (severity in ('info', 'warning', 'critical')),
    state text not null check (state in ('open', 'taken', 'recovered', 'resolved')),
    -- I2: an owner at every instant; the chain of events below keeps its history.
    owner text not null check (owner ~ '\S'),
    version integer not null check (version >= 1),
    failure_class text not null default '',
    offered_to text not null default '',
    value double precision,
    value_limit double precision,
    fact text not null default '',
    detail text not null default '',
    impact text not null default '',
    do_first text not null default '',
    steps text[] not null default '{}',
    runbook text not null default '',
    bad_now boolean not null default true,
    audience text[] not null default '{}',
    opened_at timestamptz not null,
    taken_at timestamptz,
    recovered_at timestamptz,
    resolved_at timestamptz,
    first_bad_at timestamptz,
    first_good_at timestamptz,
    last_looked_at timestamptz,
    cause text not null default '',
    cause_kind text not null default '',
    -- Kept as text, so that rows keep the order of their columns.
    evidence json not null default '{}',
    repeat_of bigint references incident (id),
    check (state <> 'resolved' or (resolved_at is not null and cause <> '' and cause_kind <> '')),
    check (state <> 'recovered' or (recovered_at is not null and first_good_at is not null)),
    check (state <> 'taken' or taken_at is not null)
);

create sequence incident_number owned by incident.id start 1001;

-- I1: at most one open incident per fingerprint.
create unique index incident_one_open on incident (fingerprint) where state in ('open', 'taken');
create index incident_recovered on incident (fingerprint, recovered_at)
    where recovered_at is not null;
create index incident_unresolved on incident (opened_at) where state <> 'resolved';
create index incident_opened on incident (opened_at);

-- I9: every change of an incident is an event that names its predecessor. The foreign keys make the
-- events of an incident one unbroken chain of allowed moves that ends at the present row.
create table event (
    incident_id bigint not null references incident (id) deferrable initially deferred,
    version integer not null check (version >= 1),
    state text not null,
    owner text not null check (owner ~ '\S'),
    previous_version integer check (previous_version = version - 1),
    previous_state text,
    previous_owner text,
    event text not null,
    at timestamptz not null,
    actor text not null check (actor ~ '\S'),
    words text not null,
    previous_severity text not null default '',
    -- What its messages say: the incident as it was then. Read once a message, never searched.
    facts json not null,
    primary key (incident_id, version),
    unique (incident_id, version, state, owner),
    foreign key (incident_id, previous_version, previous_state, previous_owner)
        references event (incident_id, version, state, owner) deferrable initially deferred,
    check ((version = 1) = (previous_version is null)),
    check ((previous_version is null) = (previous_state is null)),
    check ((previous_version is null) = (previous_owner is null)),
    -- A check passes when it is null, so the first event is told apart before anything is compared.
    check (
        case when previous_state is null then state = 'open'
            else previous_state = state
                or (previous_state, state) in (
                    ('open', 'taken'), ('open', 'recovered'), ('taken', 'recovered'),
                    ('recovered', 'open'), ('recovered', 'resolved')
                )
                or (
                    (previous_state, state) in (('open', 'resolved'), ('taken', 'resolved'))
                    and event = 'withdrawn'
                )
        end
    )
);

alter table incident add foreign key (id, version, state, owner)
    references event (incident_id, version, state, owner) deferrable initially deferred;

-- I9: what happened is not rewritten, and nothing is said to have happened that the incident has not
-- gone through when the transaction ends. (Deleting an event is stopped by the foreign keys.)
create function event_stays() returns trigger language plpgsql as $$
begin
    raise exception 'event % of incident %: what happened is not rewritten', old.version, old.incident_id
        using errcode = 'WD009';
end
$$;

create trigger event_stays before update on event for each row execute function event_stays();

create function event_is_reached() returns trigger language plpgsql as $$
begin
    if not exists (
        select from watchdog.incident where id = new.incident_id and version >= new.version
    ) then
        raise exception 'event % of incident %: the incident has not got there', new.version, new.incident_id
            using errcode = 'WD009';
    end if;
    return null;
end
$$;

create constraint trigger event_is_reached after insert on event deferrable initially deferred
    for each row when (new.version > 1) execute function event_is_reached();

-- What is bad without being an incident yet, and good checks on the way to recovery.
create table track (
    rule text not null,
    fingerprint bytea not null,
    identity text not null,
    entity jsonb not null,
    bad_checks integer not null check (bad_checks >= 0),
    good_checks integer not null check (good_checks >= 0),
    bad_since timestamptz not null,
    first_bad_at timestamptz not null,
    severity text not null,
    failure_class text not null default '',
    incident_id bigint references incident (id),
    excused_since timestamptz,
    reason text not null default '',
    primary key (rule, fingerprint)
);

-- What came of a report on a day that it was due; the key lets it come once. A report that is declared
-- after its time of the day begins with a row without facts: nothing is sent for that day.
create table report_run (
    id bigint generated always as identity unique,
    report text not null,
    due_on date not null,
    due_at timestamptz not null,
    asked_at timestamptz not null,
    team text not null,
    facts json,
    primary key (report, due_on)
);

-- Figures that a report keeps once a day, for summaries of many days.
create table report_sample (
    report text not null,
    name text not null,
    day date not null,
    asked_at timestamptz not null,
    -- Kept as text, so that figures keep the order of their columns.
    figures json not null,
    primary key (report, name, day)
);

-- The outbox. One row: one message that must reach one receiver, about an incident's event or a report.
create table notification (
    id bigint generated always as identity primary key,
    incident_id bigint,
    version integer,
    report_run bigint references report_run (id),
    receiver text not null check (receiver like any ('{slack:#_%,slack:@_%,email:_%}')),
    part text not null check (part in ('page', 'root', 'edit', 'thread')),
    priority smallint not null,
    state text not null default 'pending'
        check (state in ('pending', 'sending', 'sent', 'dead', 'superseded')),
    due_at timestamptz not null,
    created_at timestamptz not null,
    settled_at timestamptz,
    attempts integer not null default 0,
    -- I7: the worker that holds the row carries this token; see notification_fence.
    token bigint not null default 0,
    leased_until timestamptz,
    last_error text not null default '',
    superseded_by bigint references notification (id),
    fallback_of bigint references notification (id),
    line text not null default '',
    rendered jsonb,
    check ((incident_id is null) = (version is null)),
    check ((incident_id is null) <> (report_run is null)),
    check ((state = 'superseded') = (superseded_by is not null)),
    check ((state in ('sent', 'dead', 'superseded')) = (settled_at is not null)),
    check ((state = 'sending') = (leased_until is not null))
);

create index notification_queue on notification (incident_id, receiver, id)
    where state in ('pending', 'sending');
create index notification_due on notification (priority, due_at, id) where state = 'pending';
create index notification_leased on notification (leased_until) where state = 'sending';
create index notification_told on notification (incident_id, receiver);
create index notification_of_report on notification (report_run) where report_run is not null;
create index notification_dead on notification (settled_at) where state = 'dead';

-- Every message of an incident tells of an event that there is. Looked at once a statement: a foreign key, which looks at
-- each row, took a fifth of the server's time in a storm.
create function notification_tells() returns trigger language plpgsql as $$
begin
    if exists (
        select from written w where w.report_run is null and not exists (
            select from watchdog.event e where e.incident_id = w.incident_id and e.version = w.version
        )
    ) then
        raise exception 'a notification tells of an event that there is not'
            using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

create trigger notification_tells after insert on notification
    referencing new table as written for each statement execute function notification_tells();

create trigger notification_stays before update of incident_id, version, report_run on notification
    for each row execute function event_stays();

create function event_is_told() returns trigger language plpgsql as $$
begin
    if exists (
        select from gone g join watchdog.notification n
            on n.incident_id = g.incident_id and n.version = g.version
    ) then
        raise exception 'a notification tells of this event' using errcode = 'foreign_key_violation';
    end if;
    return null;
end
$$;

create trigger event_is_told after delete on event
    referencing old table as gone for each statement execute function event_is_told();

-- I7: a claim raises the token by one and takes only a free row; every other change of a claimed row
-- must carry the present token. A worker that was fenced off raises here instead of writing.
create function notification_fence() returns trigger language plpgsql as $$
begin
    if new.token = old.token + 1 and new.state = 'sending'
        and (old.state = 'pending' or old.leased_until < clock_timestamp()) then
        return new;
    end if;
    if new.token <> old.token then
        raise exception 'notification %: token % is not the present one, %', old.id, new.token, old.token
            using errcode = 'WD007';
    end if;
    if old.state in ('sent', 'dead', 'superseded') and new.state <> old.state then
        raise exception 'notification %: it is settled as %', old.id, old.state using errcode = 'WD007';
    end if;
    if old.state = 'pending' and new.state = 'sending' then
        raise exception 'notification %: a claim must raise the token', old.id using errcode = 'WD007';
    end if;
    if old.state = 'pending' and new.state = 'sent' then
        raise exception 'notification %: nobody has claimed it, so nobody has sent it', old.id
            using errcode = 'WD007';
    end if;
    return new;
end
$$;

create trigger notification_fence before update of state, token, leased_until on notification
    for each row execute function notification_fence();

-- I5: the intent is written before the first byte; what came of it, after. A message is sent at most
-- once more than there are attempts whose outcome stayed unknown.
create table attempt (
    notification_id bigint not null references notification (id),
    number integer not null check (number >= 1),
    token bigint not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text check (outcome in ('sent', 'failed', 'unknown', 'found')),
    error text not null default '',
    primary key (notification_id, number),
    check ((outcome is null) = (ended_at is null))
);

-- I7, I5: only the worker that holds the message may try, and how a try ended stays as it was written.
create function attempt_fence() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' and not exists (
        select from watchdog.notification
        where id = new.notification_id and token = new.token and state = 'sending'
    ) then
        raise exception 'attempt % of notification %: token % does not hold it',
            new.number, new.notification_id, new.token using errcode = 'WD007';
    end if;
    if tg_op = 'UPDATE' and old.outcome is not null then
        raise exception 'attempt % of notification %: it ended as %',
            old.number, old.notification_id, old.outcome using errcode = 'WD007';
    end if;
    return new;
end
$$;

create trigger attempt_fence before insert or update on attempt
    for each row execute function attempt_fence();

create unique index attempt_one_in_flight on attempt (notification_id) where outcome is null;
create unique index attempt_one_sent on attempt (notification_id) where outcome in ('sent', 'found');

-- Where a receiver's first message about an incident is, so that later ones edit it or answer below it.
create table thread (
    incident_id bigint not null references incident (id),
    receiver text not null,
    remote jsonb not null,
    primary key (incident_id, receiver)
);

-- Work that only one replica may do; the token fences off one that was too slow.
create table lease (
    name text primary key,
    replica text not null,
    token bigint not null,
    until timestamptz not null
);

-- Per rule: counts and the latest outcome, flushed in batches.
create table rule_look (
    rule text primary key,
    looked_at timestamptz,
    outcome text,
    reason text not null default '',
    ok bigint not null default 0,
    bad bigint not null default 0,
    no_data bigint not null default 0,
    error bigint not null default 0,
    missed bigint not null default 0,
    errors_in_a_row integer not null default 0,
    error_of_source boolean not null default false
);

-- What a rule's kind remembers between looks: samples, cursors, rows that were seen before.
create table remembered (
    rule text not null,
    key text not null,
    identity text not null,
    value text not null,
    primary key (rule, key)
);

-- What jobs say of themselves. `beat` is the digest of a key, so that the table gives none away.
create table ping (
    id bigint generated always as identity primary key,
    beat bytea not null check (length(beat) = 32),
    at timestamptz not null,
    what text not null check (what in ('success', 'start', 'fail', 'log')),
    exit_status smallint check (exit_status between 0 and 255),
    run text not null default '',
    body text not null default '',
    is_cut boolean not null default false
);

create index ping_newest on ping (beat, id);

-- Configurations that were good; the newest is used when the files are broken at a start.
create table configuration (
    digest bytea primary key,
    files jsonb not null,
    loaded_at timestamptz not null
);

create table sign_in_link (
    secret_hash bytea primary key,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table session (
    secret_hash bytea primary key,
    person text not null,
    made_at timestamptz not null,
    expires_at timestamptz not null
);
