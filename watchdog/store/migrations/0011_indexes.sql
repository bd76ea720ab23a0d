-- Indexes for what is asked at every look, at every opening and for every week; without them each reads a whole table.

-- Incidents of the rules whose kind, or whose `unless`, wants to know of them (list_past).
create index incident_rule on incident (rule);

-- When the same thing was good again in a storm, at an opening that may be a repetition (list_ended_members).
create index member_good on member (fingerprint, first_good_at) where state = 'good';

-- What may have pushed somebody at night, for the figures of a week (list_pushes).
create index notification_sent on notification (settled_at) where state = 'sent';
