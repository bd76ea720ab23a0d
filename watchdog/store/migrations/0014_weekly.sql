-- Who reads the weekly summary, and which week each of them has had.

-- A reader of a report by mail. The token stands in the links of their mails: whoever has it can stop them, or have
-- them again, and nothing else.
create table subscription (
    report text not null check (report ~ '\S'),
    receiver text not null check (receiver like 'email:_%'),
    token text not null unique check (length(token) >= 32),
    stopped_at timestamptz,
    primary key (report, receiver)
);

-- Once for each reader and week, whoever asks for it and however often.
create table report_told (
    report text not null,
    due_on date not null,
    receiver text not null,
    told_at timestamptz not null,
    primary key (report, due_on, receiver),
    foreign key (report, due_on) references report_run (report, due_on),
    foreign key (report, receiver) references subscription (report, receiver)
);
