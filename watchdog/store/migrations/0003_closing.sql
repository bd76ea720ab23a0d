-- How an incident ends: what risk is left, and exactly one answer to what stops it next time.

alter table incident
    add column risk text not null default '',
    add column prevention text not null default '' check (
        prevention in ('', 'alerting', 'retry tuning', 'validation guardrail', 'other', 'nothing needed')
    ),
    add column prevention_words text not null default '',
    add column prevention_owner text not null default '',
    add column prevention_due date,
    add column prevention_done boolean not null default false;

-- Whoever resolves an incident answers; those that the service ended, and those of before, have no answer.
alter table incident add constraint incident_answered check (
    state <> 'resolved' or cause_kind in ('withdrawn', 'not given') or prevention_words ~ '\S'
) not valid;

alter table incident add constraint incident_answer_is_whole check (
    (prevention = '') = (prevention_words = '')
    and (prevention in ('', 'nothing needed')) = (prevention_owner = '')
    and (prevention_due is null) = (prevention_owner = '')
);

create index incident_prevention on incident (prevention_due) where prevention_owner <> '' and not prevention_done;
