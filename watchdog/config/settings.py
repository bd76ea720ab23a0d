"""The sections beside the rules: shapes to values, names resolved."""

from urllib.parse import urlsplit

from pydantic import SecretStr

from notifiers.clean import safe_url
from notifiers.keys import KEY_MIN
from notifiers.nearby import LOOPBACK
from watchdog.config.files import Files
from watchdog.config.gather import Gathered
from watchdog.config.model import (
    AppriseChannel,
    EmailChannel,
    Service,
    SlackChannel,
    WebhookChannel,
)
from watchdog.config.nodes import (
    Entry,
    Listing,
    Scalar,
    Span,
    Table,
    find,
)
from watchdog.config.policies import maintenance_of
from watchdog.config.problems import Level
from watchdog.config.sections import SectionReader, Settings, is_nothing, opens_twice, said
from watchdog.config.shapes import (
    AppriseShape,
    DefaultsShape,
    EmailShape,
    MaintenanceShape,
    RouteShape,
    ServiceShape,
    SlackShape,
    StormsShape,
    WebhookShape,
)
from watchdog.config.sources import SourceReader
from watchdog.config.teams import TeamReader
from watchdog.config.validate import unknown_key
from watchdog.domain.people import Route, Storms


def read_settings(gathered: Gathered, files: Files) -> Settings:
    """Return the values of all sections beside the rules."""
    settings = Settings()
    settings.declared = {
        section: tuple(gathered.named(section))
        for section in ("sources", "people", "teams", "rules")
    }
    reader = _SettingsReader(gathered, files, settings)
    reader.read_service()
    reader.read_channels()
    reader.read_defaults()
    reader.read_maintenance()
    reader.read_storms()
    teams = TeamReader(gathered, files, settings)
    for name, entry in teams.named("people"):
        teams.read_person(name, entry)
    for name, entry in teams.named("teams"):
        teams.read_team(name, entry)
    sources = SourceReader(gathered, files, settings)
    for name, entry in sources.named("sources"):
        sources.read_source(name, entry)
    reader.read_routes()
    return settings


class _SettingsReader(SectionReader):
    """Reads the sections that stand once, and the routes."""

    def read_service(self) -> None:
        entry = self.gathered.sections.get("service")
        if entry is None or is_nothing(entry):
            return
        problems_before = len(self.into.problems)
        store = find(entry.value, ("store",)).value
        self.secret(store)
        self.own_secret(entry, "dead_man")
        shape = self.shape(ServiceShape, entry)
        is_lost = isinstance(store, Scalar) and store.is_lost
        fresh = self.into.problems[problems_before:]
        is_known = not is_lost and all(one.level is Level.WARNING for one in fresh)
        if shape is None:
            self.into.service = Service(store_is_known=False)
            return
        url = (shape.url or "").rstrip("/")
        dead_man = self.dead_man(shape, entry)
        self.into.service = Service(url, shape.store, shape.listen, is_known, dead_man)

    def dead_man(self, shape: ServiceShape, entry: Entry) -> SecretStr:
        """Return the address of the dead man's switch; empty for one that must not be used."""
        url = shape.dead_man.get_secret_value()
        if not url or _may_be_posted_to(url):
            return shape.dead_man
        label = "such as https://hc-ping.com/…; http on this machine only"
        words = "nothing secret can be posted to this address"
        self.add("bad-url", words, find(entry.value, ("dead_man",)).value.span, label)
        return SecretStr("")

    def read_channels(self) -> None:
        channels = self.gathered.named("channels")
        for name, entry in channels.items():
            if name == "slack":
                self.read_slack(entry)
            elif name == "email":
                self.read_email(entry)
            elif name == "webhook":
                self.read_webhook(entry)
            elif name == "apprise":
                self.read_apprise(entry)
            else:
                ways = ["slack", "email", "webhook", "apprise"]
                problem = unknown_key(name, "`channels`", entry.key.span, ways)
                self.into.problems.append(problem)

    def read_email(self, entry: Entry) -> None:
        spot, key = find(entry.value, ("smtp",)), find(entry.value, ("link_key",))
        self.secret(spot.value)
        self.own_secret(entry, "link_key")
        shape = self.shape(EmailShape, entry)
        if shape is None:
            return
        from notifiers.mail_server import parse_server

        url = shape.smtp.get_secret_value()
        try:
            if url:
                parse_server(url)
        except ValueError as error:
            label = "`/`, `#`, `?`, `@` and `:` in a password are %2F, %23, %3F, %40 and %3A"
            self.add("bad-address", str(error), spot.value.span, label)
            return
        if 0 < (length := len(shape.link_key.get_secret_value())) < KEY_MIN:
            words = f"`link_key` has {length} characters; a key has at least {KEY_MIN}"
            self.add("short-key", words, key.value.span, "`openssl rand -hex 32` makes one")
            return
        self.into.email = EmailChannel(shape.smtp, shape.sender, shape.link_key)

    def read_webhook(self, entry: Entry) -> None:
        self.secret(find(entry.value, ("url",)).value, always=True)
        self.own_secret(entry, "secret")
        shape = self.shape(WebhookShape, entry)
        if shape is None:
            return
        url, length = shape.url.get_secret_value(), len(shape.secret.get_secret_value())
        if url and not _may_be_posted_to(url):
            label = "such as https://incidents.example.com/watchdog; http on this machine only"
            words = "nothing secret can be posted to this address"
            self.add("bad-url", words, find(entry.value, ("url",)).value.span, label)
        elif url and length < KEY_MIN:
            words = f"`secret` has {length} characters; a webhook's has at least {KEY_MIN}"
            place = find(entry.value, ("secret",), entry.key)
            label = "`openssl rand -hex 32` makes one"
            self.add("short-key", words, place.key.span if place.key else entry.key.span, label)
        else:
            self.into.webhook = WebhookChannel(shape.url, shape.secret)

    def read_apprise(self, entry: Entry) -> None:
        place = find(entry.value, ("url",)).value
        self.own_secret(entry, "url")
        shape = self.shape(AppriseShape, entry)
        if shape is None or not (url := shape.url.get_secret_value()):
            return
        from notifiers.apprise_room import is_known

        try:
            if is_known(url):
                self.into.apprise = AppriseChannel(shape.url)
                return
            words, label = "Apprise does not know this URL", "see https://appriseit.com/services/"
            self.add("bad-url", words, place.span, label)
        except ImportError:
            words, label = "Apprise is not installed", "`pip install 'incident-watchdog[apprise]'`"
            self.add("no-library", words, place.span, label)

    def read_slack(self, entry: Entry) -> None:
        for key in ("token", "webhook", "app_token", "signing_secret"):
            self.own_secret(entry, key)
        shape = self.shape(SlackShape, entry)
        if shape and self.is_good_webhook(shape, entry):
            self.into.slack = SlackChannel(
                shape.token,
                shape.api,
                shape.signing_secret,
                shape.workspace or "",
                shape.app_token,
                shape.webhook,
            )

    def is_good_webhook(self, shape: SlackShape, entry: Entry) -> bool:
        url = shape.webhook.get_secret_value()
        place = find(entry.value, ("webhook",)).value.span
        if url and shape.token.get_secret_value():
            label = "a bot can do all that a webhook can; leave `webhook` out"
            self.add("both", "`slack` has a `token` and a `webhook`", place, label)
            return False
        if url and not _may_be_posted_to(url):
            label = "copy it from your Slack app: https://hooks.slack.com/services/…"
            self.add("bad-url", "this is not the address of an incoming webhook", place, label)
            return False
        return True

    def own_secret(self, entry: Entry, key: str) -> None:
        """Read a value that is a secret whatever it looks like; say so if it stands in the file."""
        node = find(entry.value, (key,)).value
        self.secret(node, always=True)
        if node.span in self.into.masked:
            self.warn_written(node.span)

    def warn_written(self, span: Span) -> None:
        seen = any(
            one.code == "written-secret" and one.place.line == span.line
            for one in self.gathered.problems
        )
        if not seen:
            words, label = (
                "a secret stands in the file",
                "write `${NAME}` and set it in the environment",
            )
            self.add("written-secret", words, span, label, level=Level.WARNING)

    def read_defaults(self) -> None:
        entry = self.gathered.sections.get("defaults")
        if entry is None or is_nothing(entry):
            return
        shape = self.shape(DefaultsShape, entry)
        if shape is None:
            return
        self.into.defaults = shape
        if isinstance(entry.value, Table):
            self.into.problems += opens_twice(entry.value)
        if shape.team:
            self.known("teams", shape.team, find(entry.value, ("team",), entry.key))

    def read_maintenance(self) -> None:
        section = self.gathered.sections.get("maintenance")
        if section is None or is_nothing(section):
            return
        listed = section.value
        nodes = listed.items if isinstance(listed, Listing) else [listed]
        for node in nodes:
            shape = self.shape(
                MaintenanceShape, Entry(Scalar("maintenance", node.span), node), "a maintenance"
            )
            if shape:
                self.into.maintenance.append(maintenance_of(shape))

    def read_storms(self) -> None:
        entry = self.gathered.sections.get("storms")
        if entry is None or is_nothing(entry):
            return
        if isinstance(entry.value, Scalar):
            self.read_no_storms(entry.value)
            return
        shape = self.shape(StormsShape, entry)
        if shape is not None:
            self.into.storms = Storms(shape.more_than, shape.within)

    def read_no_storms(self, word: Scalar) -> None:
        """Read what stands in place of a mapping: `off`."""
        if word.text == "off":
            self.into.storms = None
            return
        words = f"`storms` is a mapping or `off`, not `{said(word)}`"
        self.add("wrong-type", words, word.span, "write `{ more_than: 5 incidents, within: 5m }`")

    def read_routes(self) -> None:
        section = self.gathered.sections.get("routes")
        if section is None or is_nothing(section):
            return
        if not isinstance(section.value, Listing):
            self.add("wrong-type", "`routes` is a list", section.key.span, "begin each with `- `")
            return
        for node in section.value.items:
            key = Scalar("route", node.span)
            entry = Entry(key, node)
            shape = self.shape(RouteShape, entry, "a route")
            if shape and self.check_route_teams(shape, entry):
                self.check_route_channels(shape, entry)
                send = self.ways_that_there_are(shape.send)
                self.into.routes.append((_route(shape, send), entry))

    def check_route_teams(self, shape: RouteShape, entry: Entry) -> bool:
        spot = find(entry.value, ("when", "team"))
        known = [self.known("teams", team, spot) for team in shape.when.team or ()]
        return all(known)

    def ways_that_there_are(self, send: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ways of a route without those that have no address, if any are left."""
        missing = {
            way
            for way, channel in (("webhook", self.into.webhook), ("apprise", self.into.apprise))
            if not channel.url.get_secret_value()
        }
        return tuple(one for one in send if one not in missing) or send

    def check_route_channels(self, shape: RouteShape, entry: Entry) -> None:
        for way in ("webhook", "apprise"):
            if way in shape.send and way not in self.gathered.named("channels"):
                words = f"this route sends to `{way}`, and `channels` has none"
                place = find(entry.value, ("send",)).value.span
                self.add("no-channel", words, place, f"give its `url` in `channels`, as `{way}`")


def _may_be_posted_to(url: str) -> bool:
    parts = urlsplit(url)
    is_here = parts.hostname in LOOPBACK
    return safe_url(url) == url and (parts.scheme == "https" or is_here)


def _route(shape: RouteShape, send: tuple[str, ...]) -> Route:
    return Route(
        send=send,
        severities=frozenset(shape.when.severity or ()),
        teams=frozenset(shape.when.team or ()),
        rules=shape.when.rule or (),
        hold_until_working_hours=shape.hold_until is not None,
    )
