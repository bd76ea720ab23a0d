-- I11 for silences: what was sent again, however late, makes no second one. Null where what made it had no id, as the
-- previous release writes it.

alter table silence add column action_id text check (action_id ~ '\S' and length(action_id) <= 100);

create unique index silence_action on silence (action_id);
