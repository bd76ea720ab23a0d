-- name: claim_heads
-- Take the first message of each queue in which one is due, the most urgent queues first, for a lease
-- that starts now. A queue is an incident's messages to one receiver, or one message of a report. Its first message may be held until
-- later, but it must not hold back what is due behind it; one that has failed waits for its own time.
-- A line below a message does not wait for an edit of that message, which may have to wait for those of a whole channel.
-- Messages whose lease has ended are taken too, and their attempt in flight ends as unknown, for the reason $7. Lanes that are not free are left
-- alone; of a lane in a paced channel ($5) one message is taken. What all goes to one place ($8) shares one lane.
-- Only the $6 most urgent due messages are looked at: each costs one look at the index of queues, and
-- sorting them before that keeps the cost of a claim from growing with the outbox.
with line as materialized (
    select id, incident_id, receiver, part, priority, due_at, split_part(receiver, ':', 1) = any($5::text[]) as is_paced
    from notification
    where state = 'pending' and due_at <= $1 and split_part(receiver, ':', 1) <> all($4::text[])
        and not exists (
            select from lane l
            where l.free_at > $1 and is_binding(l, $1) and l.name = lane_of(
                notification.receiver, part = 'edit' and exists (
                    select from thread t
                    where t.incident_id = notification.incident_id and t.receiver = notification.receiver
                ), $8
            )
        )
    order by priority, due_at, id
    limit $6
), ready as (
    select head.id
    from line
    cross join lateral (
        select h.id from notification h
        where h.id = coalesce(
                (
                    select first.id from notification first
                    where first.incident_id = line.incident_id and first.receiver = line.receiver
                        and first.state in ('pending', 'sending')
                    order by first.id
                    limit 1
                ),
                line.id
            )
            and h.state = 'pending' and (h.attempts = 0 or h.due_at <= $1)
        for update skip locked
    ) head
    where not line.is_paced
    limit $2
), paced as (
    select h.id, row_number() over (
            partition by its.lane order by line.priority, line.due_at, line.id
        ) as place
    from line
    cross join lateral (
        select coalesce(min(first.id), line.id) as id from notification first
        where first.incident_id = line.incident_id and first.receiver = line.receiver
            and first.state in ('pending', 'sending')
            and not (
                line.part = 'thread' and first.part = 'edit' and exists (
                    select from thread t where t.incident_id = line.incident_id and t.receiver = line.receiver
                )
            )
    ) head
    join notification h on h.id = head.id and h.state = 'pending' and (h.attempts = 0 or h.due_at <= $1)
    cross join lateral (
        select lane_of(
            h.receiver, h.part = 'edit' and exists (
                select from thread t where t.incident_id = h.incident_id and t.receiver = h.receiver
            ), $8
        ) as lane
    ) its
    where line.is_paced and not exists (
        select from lane l where l.name = its.lane and l.free_at > $1 and is_binding(l, $1)
    )
), next_in_lane as (
    select n.id from notification n
    where n.state = 'pending' and n.id in (select p.id from paced p where p.place = 1)
    limit $2
    for update skip locked
), left_behind as (
    select id from notification
    where state = 'sending' and leased_until < clock_timestamp()
        and split_part(receiver, ':', 1) <> all($4::text[])
    order by leased_until
    limit $2
    for update skip locked
), claimed as (
    update notification set
        state = 'sending', token = token + 1, leased_until = clock_timestamp() + $3::interval
    where id in (
        select id from ready union select id from next_in_lane union select id from left_behind
    )
    returning id, token, incident_id, version, report_run, receiver, part, priority, due_at, created_at,
        attempts, coalesce(first_due_at, due_at) as due_since
), closed as (
    update attempt set outcome = 'unknown', ended_at = $1, error = $7
    where notification_id in (select id from claimed) and outcome is null
)
select c.id, c.token, c.incident_id, coalesce(c.version, 1) as version, c.receiver, c.part, c.due_at,
    c.created_at, c.attempts, c.due_since, coalesce(e.facts, r.facts)::jsonb as facts, coalesce(sub.token, '') as stop,
    sub.stopped_at is not null as is_stopped, t.remote, tried.first_tried_at, tried.unknowns, tried.unsaid,
    c.part in ('edit', 'thread') and coalesce(first.has_died and not first.was_sent, false) as is_headless,
    coalesce(first.was_sent, false) as was_told, coalesce(first.was_withheld, false) as was_withheld,
    coalesce(i.silenced_until > $1, false) as is_silenced, coalesce(s.made_by, '') as silenced_by,
    coalesce(s.reason, '') as silenced_for, i.silenced_until,
    i.waits_for, lane_of(c.receiver, c.part = 'edit' and t.remote is not null, $8) as lane
from claimed c
left join event e on e.incident_id = c.incident_id and e.version = c.version
left join report_run r on r.id = c.report_run
left join subscription sub on sub.report = r.report and sub.receiver = lower(c.receiver)
left join thread t on t.incident_id = c.incident_id and t.receiver = c.receiver
left join incident i on i.id = c.incident_id
left join silence s on s.id = i.silence
cross join lateral (
    select min(a.started_at) as first_tried_at,
        count(*) filter (where a.outcome is null or a.outcome = 'unknown') as unknowns,
        count(*) filter (where a.outcome is null or a.error = $7) as unsaid
    from attempt a where a.notification_id = c.id
) tried
cross join lateral (
    select bool_or(n.state = 'dead') as has_died, bool_or(n.state = 'sent') as was_sent,
        bool_or(n.state = 'withheld') as was_withheld
    from notification n
    where n.incident_id = c.incident_id and n.receiver = c.receiver and n.part in ('page', 'root')
) first
order by c.priority, c.due_at, c.id;

-- name: supersede_edits
-- Of the edits that wait in the queues of these claimed edits only the newest that is due is sent; the
-- older ones, claimed or not, name it as what replaced them.
update notification old set
    state = 'superseded', superseded_by = newest.id, settled_at = $3, token = old.token,
    leased_until = null
from unnest($1::bigint[], $2::bigint[]) as mine (id, token)
join notification held on held.id = mine.id and held.token = mine.token and held.state = 'sending'
cross join lateral (
    select edit.id from notification edit
    where edit.incident_id = held.incident_id and edit.receiver = held.receiver
        and edit.part = 'edit' and edit.state = 'pending' and edit.due_at <= $3
    order by edit.id desc
    limit 1
) newest
where old.incident_id = held.incident_id and old.receiver = held.receiver and old.part = 'edit'
    and old.id < newest.id
    and (old.state = 'pending' or (old.id = mine.id and old.token = mine.token and old.state = 'sending'))
returning old.id;

-- name: lock_backlog
-- All messages of incidents that wait in a channel, in order, and kept from others; with how their incidents stand, and
-- whether the same receiver has a first message of it, and where else a page of the same event has arrived. A queue is left out where somebody
-- holds one of its messages or one may have arrived, since what follows may be needed to put that right; and so is what a
-- silence hides ($3 is now).
with mine as materialized (
    select n.id from notification n
    where n.state = 'pending' and n.incident_id is not null and split_part(n.receiver, ':', 1) = $1
    order by n.id
    limit $2
    for update skip locked
)
select n.id, n.receiver, n.incident_id, n.part, coalesce(n.first_due_at, n.due_at) as due_since,
    exists (
        select from thread t where t.incident_id = n.incident_id and t.receiver = n.receiver
    ) as is_told,
    array(
        select other.receiver from notification other
        where n.part = 'page' and other.incident_id = n.incident_id and other.version = n.version
            and other.receiver <> n.receiver and other.part = 'page' and other.state = 'sent'
    ) as heard_at,
    i.state, i.severity, i.title, i.owner, i.opened_at, i.team,
    coalesce(e.facts ->> 'zone', 'UTC') as zone, coalesce(e.facts ->> 'url', '') as url
from mine
join notification n on n.id = mine.id
join incident i on i.id = n.incident_id
join event e on e.incident_id = n.incident_id and e.version = n.version
where coalesce(i.silenced_until <= $3, true)
    and not exists (
        select from notification other
        where other.incident_id = n.incident_id and other.receiver = n.receiver
            and other.state in ('pending', 'sending')
            and (
                other.id not in (select id from mine)
                or exists (
                    select from attempt a
                    where a.notification_id = other.id and (a.outcome is null or a.outcome = 'unknown')
                )
            )
    )
order by n.id;

-- name: replace_by_digest
-- These waiting messages name the digest of this run as what replaced them.
update notification n set state = 'superseded', superseded_by = digest.id, settled_at = $3
from notification digest
where digest.report_run = $1 and n.id = any($2::bigint[]) and n.state = 'pending';

-- name: renew_leases
-- Keep what is still being sent; rows that do not come back are somebody else's by now.
update notification n set leased_until = clock_timestamp() + $3::interval, token = n.token
from unnest($1::bigint[], $2::bigint[]) as mine (id, token)
where n.id = mine.id and n.token = mine.token and n.state = 'sending'
returning n.id;

-- name: write_intents
-- Say that claimed messages are about to be sent; only rows that came back may be, and where a lane was booked for one they
-- say when it is free again. A silence that was made since the claim still holds back what it may hide, and so does a lane
-- that is not free, and whoever is just about to change an incident: none of them is waited for.
with wanted as (
    select * from unnest(
        $1::bigint[], $2::bigint[], $4::boolean[], $5::text[], $6::interval[], $7::interval[]
    ) as w (id, token, is_hideable, lane, every, ahead)
), hiding as materialized (
    select i.id, i.silenced_until from incident i
    where i.id in (
        select n.incident_id from wanted w join notification n on n.id = w.id where w.is_hideable
    )
    order by i.id
    for share skip locked
), held as (
    select w.* from wanted w join notification n on n.id = w.id and n.token = w.token and n.state = 'sending'
    where n.leased_until > clock_timestamp()
        and (
            not w.is_hideable or n.incident_id is null
            or exists (select from hiding h where h.id = n.incident_id and coalesce(h.silenced_until <= $3, true))
        )
), booked as (
    insert into lane (name, booked_until, free_at, booked_at)
    select lane, $3 + every, $3 + every - ahead, $3 from held where lane is not null
    order by lane
    on conflict (name) do update set
        booked_until = greatest(case when is_binding(lane, $3) then lane.booked_until end, $3)
            + (excluded.booked_until - $3),
        free_at = greatest(case when is_binding(lane, $3) then lane.booked_until end, $3)
            + (excluded.free_at - $3),
        booked_at = $3
    where lane.free_at <= $3 or not is_binding(lane, $3)
    returning name, free_at
), begun as (
    update notification n set attempts = n.attempts + 1
    from held h left join booked b on b.name = h.lane
    where n.id = h.id and n.token = h.token and n.state = 'sending'
        and (h.lane is null or b.name is not null)
    returning n.id, n.attempts, n.token, b.free_at
), written as (
    insert into attempt (notification_id, number, token, started_at)
    select id, attempts, token, $3 from begun
)
select id, free_at from begun;

-- name: withhold
-- End claimed messages that a silence hides, or that are not sent with or without one ($4), each with its reason; whoever
-- has not been told before is in the audience no more, and is told anew when the silence ends.
with mine as (
    select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::boolean[])
        as m (id, token, reason, is_certain, leaves)
), ended as (
    update notification n set
        state = 'withheld', token = m.token, leased_until = null, settled_at = $6, last_error = m.reason
    from mine m
    where n.id = m.id and n.token = m.token and n.state = 'sending' and (
        m.is_certain
        or exists (select from incident i where i.id = n.incident_id and i.silenced_until > $6)
    )
    returning n.id, n.incident_id, n.receiver, m.leaves
), left_out as (
    update incident i set audience = array(
        select one from unnest(i.audience) with ordinality as a (one, place)
        where one <> all(gone.receivers) order by place
    )
    from (
        select incident_id, array_agg(receiver) as receivers from ended where leaves group by incident_id
    ) gone
    where i.id = gone.incident_id
)
select id from ended;

-- name: hurry_retries
-- Let what waits to be tried again wait no longer where its last try ended after now: the clock was put back since. Replicas
-- may be some seconds apart.
update notification n set due_at = $1
where n.state = 'pending' and n.attempts > 0 and n.due_at > $1 and exists (
    select from attempt a
    where a.notification_id = n.id and a.number = n.attempts and a.ended_at > $1::timestamptz + interval '5 seconds'
);

-- name: settle
-- Write what came of claimed messages, if the token is still the present one; rows that do not come back
-- are somebody else's by now. A null outcome withdraws the intent: nothing was sent. A lane whose receiver asks
-- for time is left alone until the message is due again.
with result as (
    select * from unnest(
        $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
        $8::text[], $9::text[], $10::text[]
    ) as r (id, token, state, outcome, error, due_at, line, rendered, remote, lane)
), stopped as (
    insert into lane (name, booked_until, free_at, booked_at)
    select lane, max(due_at), max(due_at), $11 from result where lane is not null group by lane order by lane
    on conflict (name) do update set
        booked_until = greatest(
            case when is_binding(lane, $11) then lane.booked_until end, excluded.booked_until
        ),
        free_at = greatest(case when is_binding(lane, $11) then lane.free_at end, excluded.free_at),
        booked_at = $11
), withdrawn as (
    delete from attempt a using result r
    where r.outcome is null
        and a.notification_id = r.id and a.token = r.token and a.outcome is null
    returning a.notification_id as id
), settled as (
    update notification n set
        state = r.state, token = r.token, leased_until = null,
        settled_at = case when r.state = 'pending' then null else $11::timestamptz end,
        due_at = coalesce(r.due_at, n.due_at),
        first_due_at = case when r.due_at is null then n.first_due_at else coalesce(n.first_due_at, n.due_at) end,
        attempts = n.attempts - (select count(*) from withdrawn w where w.id = n.id),
        last_error = case when r.outcome is null and r.error = '' then n.last_error else r.error end,
        line = case when r.line = '' then n.line else r.line end,
        rendered = coalesce(r.rendered::jsonb, n.rendered)
    from result r
    where n.id = r.id and n.token = r.token and n.state = 'sending'
    returning n.id, n.incident_id, n.receiver, n.part
), closed as (
    update attempt a set outcome = r.outcome, ended_at = $11, error = r.error
    from result r join settled s on s.id = r.id
    where r.outcome is not null
        and a.notification_id = r.id and a.token = r.token and a.outcome is null
), placed as (
    insert into thread (incident_id, receiver, remote)
    select s.incident_id, s.receiver, r.remote::jsonb
    from settled s join result r on r.id = s.id
    where r.remote is not null and s.part <> 'thread' and s.incident_id is not null
    on conflict (incident_id, receiver) do update set remote = excluded.remote
)
select id from settled;

-- name: lock_incidents_of
-- Hold the incidents of these messages still, so that nobody adds to their audience meanwhile; locked in
-- the order of numbers, as everybody does.
select i.id from incident i
where i.id in (select incident_id from notification where id = any($1::bigint[]))
order by i.id
for no key update;

-- name: list_unreached
-- First messages and other pushes that were given up, unless they went by another road before, with the other receivers of the same event or a later one: all of them, and
-- those among them whose first message about the incident has not failed. A line is one of them only if the first message
-- above it has arrived: else that one goes by another road. What has been due since $2 and has not arrived counts as
-- failed: of two roads that are stuck neither stands for the other. Of a report all are first messages; what is told
-- to readers one by one is for them alone, and not for whoever has stopped it; a hand-over is for its channel and its
-- person alone, and what only tests a way to them goes by no other.
select n.id, n.incident_id, n.report_run, n.receiver, i.team, i.owner, false as is_personal,
    array(
        select distinct o.receiver from notification o
        where o.incident_id = n.incident_id and o.version >= n.version and o.receiver <> n.receiver
            and o.state <> 'withheld'
    ) as tried,
    array(
        select distinct o.receiver from notification o
        where o.incident_id = n.incident_id and o.version >= n.version and o.receiver <> n.receiver
            and is_hopeful(o, $2)
            and exists (
                select from notification first
                where first.incident_id = o.incident_id and first.receiver = o.receiver
                    and first.part in ('page', 'root') and is_hopeful(first, $2)
            )
    ) as told
from notification n
join incident i on i.id = n.incident_id
where n.id = any($1::bigint[]) and (n.part = 'root' or is_push(n.part, n.receiver))
    and (
        n.part <> 'thread' or exists (
            select from notification first
            where first.incident_id = n.incident_id and first.receiver = n.receiver
                and first.part in ('page', 'root') and first.state = 'sent'
        )
    )
    and not exists (
        select from notification f where f.fallback_of = n.id and f.state not in ('dead', 'withheld')
    )
union all
select n.id, n.incident_id, n.report_run, n.receiver, r.team, '' as owner,
    exists (select from report_told t where (t.report, t.due_on) = (r.report, r.due_on))
        or exists (select from handover h where n.report_run in (h.told_by, h.briefed_by)) as is_personal,
    array(
        select distinct o.receiver from notification o
        where o.report_run = n.report_run and o.receiver <> n.receiver
    ) as tried,
    array(
        select distinct o.receiver from notification o
        where o.report_run = n.report_run and o.receiver <> n.receiver and o.state <> 'dead'
    ) as told
from notification n
join report_run r on r.id = n.report_run
where n.id = any($1::bigint[]) and not exists (
    select from subscription s
    where s.report = r.report and s.receiver = lower(n.receiver) and s.stopped_at is not null
) and not exists (select from handover h where h.tested_by = n.report_run)
order by id;

-- name: list_overdue
-- First messages of incidents, and other pushes, that are still on their way though they have been due since $1, or since $2 if they push,
-- and that are not on another road already. What only waits for its turn in a channel is not overdue, unless nothing gets
-- through there ($4); and neither is what a silence would hide.
select n.id, coalesce(n.first_due_at, n.due_at) as due_since from notification n
where n.state in ('pending', 'sending') and n.incident_id is not null
    and case
        when is_push(n.part, n.receiver) then coalesce(n.first_due_at, n.due_at) <= $2
        when n.part = 'root' then coalesce(n.first_due_at, n.due_at) <= $1
            and (n.attempts > 0 or split_part(n.receiver, ':', 1) = any($4::text[]))
    end
    and not exists (
        select from notification f where f.fallback_of = n.id and f.state not in ('dead', 'withheld')
    )
    and not exists (select from incident i where i.id = n.incident_id and i.silenced_until > $3)
order by due_since, n.id;

-- name: next_overdue_at
-- When the next of those that are on their way is overdue: a push $2 after it was due, and each $3 after it.
select min(due_since + wait) as at from (
    select coalesce(n.first_due_at, n.due_at) as due_since, is_push(n.part, n.receiver) as is_push from notification n
    where n.state in ('pending', 'sending') and n.incident_id is not null
        and (n.part = 'root' or is_push(n.part, n.receiver))
) first
cross join lateral (values ($2::interval), ($3::interval)) waits (wait)
where due_since + wait > $1 and (is_push or wait = $3);

-- name: insert_fallbacks
-- The same message to somebody else; and if the incident has moved on meanwhile, how it stands now.
-- Whoever is told this way hears how it goes on.
with road as (
    select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
        as r (id, receiver, first_part, later_part)
), chosen as (
    select n.id, n.incident_id, n.version, n.report_run, r.receiver, r.first_part as part,
        n.priority, $5::timestamptz as due_at
    from road r join notification n on n.id = r.id
    union all
    select later.id, later.incident_id, later.version, later.report_run, r.receiver, r.later_part, later.priority,
        greatest(later.due_at, $5)
    from road r
    join notification n on n.id = r.id
    cross join lateral (
        select * from notification edit
        where edit.incident_id = n.incident_id and edit.receiver = n.receiver
            and edit.version > n.version and edit.part = 'edit' and edit.state = 'pending'
        order by edit.id desc
        limit 1
    ) later
), listened as (
    update incident i set audience = i.audience || added.receivers
    from (
        select c.incident_id, array_agg(distinct c.receiver) as receivers
        from chosen c join incident known on known.id = c.incident_id
        where c.receiver <> all(known.audience)
        group by c.incident_id
    ) added
    where i.id = added.incident_id
)
insert into notification (
    incident_id, version, report_run, receiver, part, priority, due_at, created_at, fallback_of
)
select incident_id, version, report_run, receiver, part, priority, due_at, $5, id
from chosen
order by id
returning id;

-- name: announce
-- A hint for everybody who shows or sends things; polling stays the truth.
select pg_notify('watchdog', '');

-- name: list_newest
-- Numbers of the newest messages.
select id from notification order by id desc limit $1;

-- name: list_of_incident
-- Numbers of an incident's messages, in the order in which they were written.
select id from notification where incident_id = $1 order by id limit $2;

-- name: show_messages
-- Messages with all that was tried, in the order of these numbers.
select n.*, coalesce(e.event, 'report') as event, coalesce(r.report, '') as report,
    coalesce(e.facts, r.facts) ->> 'title' as title, tries.tries
from unnest($1::bigint[]) with ordinality as wanted (id, place)
join notification n on n.id = wanted.id
left join event e on e.incident_id = n.incident_id and e.version = n.version
left join report_run r on r.id = n.report_run
cross join lateral (
    select coalesce(
        jsonb_agg(
            jsonb_build_object(
                'number', a.number, 'started_at', a.started_at, 'ended_at', a.ended_at,
                'outcome', a.outcome, 'error', a.error
            ) order by a.number
        ), '[]'
    ) as tries
    from attempt a where a.notification_id = n.id
) tries
order by wanted.place;

-- name: state_of
-- How a message stands, and which one replaced it: an edit is replaced by every later one of the same place.
select n.state, n.last_error, coalesce(n.superseded_by, (
    select max(newer.id) from notification newer
    where n.part = 'edit' and newer.part = 'edit' and newer.id > n.id
        and newer.incident_id = n.incident_id and newer.receiver = n.receiver
)) as superseded_by
from notification n where n.id = $1;

-- name: hurry
-- Try a waiting message now, and what comes before it in its queue.
update notification n set due_at = least(n.due_at, $2)
from notification wanted
where wanted.id = $1 and wanted.state = 'pending' and n.state = 'pending' and (
    n.id = wanted.id
    or (n.id < wanted.id and n.incident_id = wanted.incident_id and n.receiver = wanted.receiver)
)
returning wanted.id;

-- name: send_again
-- Write a settled message once more: a new one, because what was settled stays as it was. An edit that a later one has
-- replaced is not, since it would show what is over; and below a first message comes the latest edit, for it shows the beginning.
insert into notification (
    incident_id, version, report_run, receiver, part, priority, due_at, created_at
)
select again.incident_id, again.version, again.report_run, again.receiver, again.part, again.priority,
    case when again.id = n.id then $2 else greatest(again.due_at, $2) end, $2
from notification n
left join lateral (
    select max(edit.id) as id from notification edit
    where n.part in ('page', 'root', 'edit') and edit.part = 'edit'
        and edit.incident_id = n.incident_id and edit.receiver = n.receiver
) latest on true
join notification again on again.id in (n.id, latest.id)
where n.id = $1 and n.state in ('sent', 'dead') and (n.part <> 'edit' or n.id = latest.id)
order by again.part = 'edit'
returning id;
