-- Messages may go to whatever Apprise knows. The previous release gives them up as to a channel that is not configured.

alter table notification drop constraint notification_receiver_check;
alter table notification add constraint notification_receiver_check
    check (receiver like any ('{slack:#_%,slack:@_%,email:_%,webhook:_%,apprise:_%}')) not valid;
