-- What rules are run as: it may look, and nothing else.
grant usage on schema public to demo_reader;
grant select on all tables in schema public to demo_reader;
alter default privileges in schema public grant select on tables to demo_reader;
