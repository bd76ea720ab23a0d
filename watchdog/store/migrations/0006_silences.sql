-- Silences: what people ask not to hear of for a while. A message that one of them hides ends as withheld when it
-- would have been sent, and its row says why. The previous release sends what it should withhold, and loses nothing.

create table silence (
    id bigint generated always as identity primary key,
    pattern text not null check (pattern ~ '\S'),
    team text not null default '',
    entity jsonb not null default '[]',
    reason text not null check (reason ~ '\S'),
    made_by text not null check (made_by ~ '\S'),
    of_critical boolean not null,
    made_at timestamptz not null,
    ends_at timestamptz not null,
    -- Who ended it before its time.
    ended_by text not null default '',
    reminded_at timestamptz,
    -- T63: nothing is hidden for ever. Hours, because a day is not always 24 of them.
    constraint silence_ends check (ends_at >= made_at and ends_at <= made_at + interval '168 hours')
);

create index silence_ends_at on silence (ends_at);

-- By which silence an incident is hidden, and until when.
alter table incident
    add column silence bigint references silence (id),
    add column silenced_until timestamptz,
    add constraint incident_silenced check ((silence is null) = (silenced_until is null));

create index incident_silence on incident (silence) where silence is not null;

-- A message may end as withheld.
alter table notification drop constraint notification_state_check;
alter table notification drop constraint notification_check3;
alter table notification add constraint notification_state_check
    check (state in ('pending', 'sending', 'sent', 'dead', 'superseded', 'withheld'));
alter table notification add constraint notification_settled
    check ((state in ('sent', 'dead', 'superseded', 'withheld')) = (settled_at is not null));

create or replace function notification_fence() returns trigger language plpgsql as $$
begin
    if new.token = old.token + 1 and new.state = 'sending'
        and (old.state = 'pending' or old.leased_until < clock_timestamp()) then
        return new;
    end if;
    if new.token <> old.token then
        raise exception 'notification %: token % is not the present one, %', old.id, new.token, old.token
            using errcode = 'WD007';
    end if;
    if old.state in ('sent', 'dead', 'superseded', 'withheld') and new.state <> old.state then
        raise exception 'notification %: it is settled as %', old.id, old.state using errcode = 'WD007';
    end if;
    if old.state = 'pending' and new.state = 'sending' then
        raise exception 'notification %: a claim must raise the token', old.id using errcode = 'WD007';
    end if;
    if old.state = 'pending' and new.state in ('sent', 'withheld') then
        raise exception 'notification %: nobody has claimed it, so nobody has settled it as %', old.id, new.state
            using errcode = 'WD007';
    end if;
    return new;
end
$$;
