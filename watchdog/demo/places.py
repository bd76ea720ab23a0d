"""Who uses the demo's systems: four businesses in each of sixty-three places, in every hour of the day."""

from dataclasses import dataclass

ZONES = (
    "Africa/Abidjan", "Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg",
    "Africa/Lagos", "Africa/Nairobi", "Africa/Tunis",
    "America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Caracas",
    "America/Chicago", "America/Denver", "America/Halifax", "America/Havana", "America/Lima",
    "America/Los_Angeles", "America/Mexico_City", "America/Montevideo", "America/New_York",
    "America/Noronha", "America/Phoenix", "America/Santiago", "America/Sao_Paulo",
    "America/St_Johns", "America/Toronto",
    "Asia/Almaty", "Asia/Bangkok", "Asia/Colombo", "Asia/Dhaka", "Asia/Dubai", "Asia/Hong_Kong",
    "Asia/Kabul", "Asia/Kamchatka", "Asia/Karachi", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Manila",
    "Asia/Seoul", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo", "Asia/Yangon",
    "Atlantic/Azores", "Atlantic/Cape_Verde", "Atlantic/Reykjavik",
    "Australia/Adelaide", "Australia/Brisbane", "Australia/Eucla", "Australia/Lord_Howe",
    "Australia/Perth", "Australia/Sydney",
    "Europe/Berlin", "Europe/Istanbul", "Europe/London",
    "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Gambier", "Pacific/Honolulu",
    "Pacific/Kiritimati", "Pacific/Noumea", "Pacific/Pago_Pago",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One business: `berlin-heating`, called Berlin Heating, in Europe/Berlin."""

    id: str
    name: str
    zone: str


def places(trades: tuple[str, ...]) -> tuple[Place, ...]:
    """Return a business of each trade in each zone, the trades of one zone side by side."""
    return tuple(
        Place(f"{city.lower().replace(' ', '-')}-{trade}", f"{city} {trade.capitalize()}", zone)
        for zone in ZONES
        for city in [zone.rsplit("/", 1)[-1].replace("_", " ")]
        for trade in trades
    )


WORKSPACES = places(("heating", "plumbing", "electric", "roofing"))
ORGANISATIONS = places(("books", "bikes", "foods", "toys"))


def tenant_of(workspace_id: str) -> int:
    """Return the number of a workspace's tenant in the CRM."""
    return 900_001 + sorted(one.id for one in WORKSPACES).index(workspace_id)
