-- What an incident waits for: one above it that opened before anybody was told of it, and that explains it. Until that
-- one is over it is hidden, as by a silence. The previous release tells it.

alter table incident
    add column waits_for bigint references incident (id) deferrable initially deferred,
    drop constraint incident_silenced,
    add constraint incident_hidden check (
        (silenced_until is null) = (silence is null and waits_for is null)
        and (silence is null or waits_for is null)
    );

create index incident_waits on incident (waits_for) where waits_for is not null;
