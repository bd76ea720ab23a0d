"""Who lives in a simulated year: everybody whom a failure needs, and clocks of several sorts."""

from tests.simulation.businesses import CLOCKS, dwellers
from watchdog.demo.failures import FAILURES, contacts
from watchdog.demo.places import ORGANISATIONS, WORKSPACES

IDS = dwellers(FAILURES.values())
WITH_CONTACTS = dwellers(contacts.FAILURES)
EVERYBODY = {one.id for one in (*WORKSPACES, *ORGANISATIONS)}


def test_everybody_whom_an_incident_is_about_lives_there() -> None:
    about = {
        value
        for failure in FAILURES.values()
        if not failure.is_twin
        for incident in failure.opens
        for _, value in incident.entity
    }
    assert about & EVERYBODY
    assert about & EVERYBODY <= IDS


def test_whose_repositories_fail_together_lives_there() -> None:
    assert {"bangkok-plumbing", "berlin-electric"} <= IDS


def test_whose_contacts_can_break_has_some_and_whose_repositories_only_has_none() -> None:
    assert {"berlin-heating", "manila-roofing"} <= WITH_CONTACTS < IDS
    assert "bangkok-plumbing" not in WITH_CONTACTS


def test_somebody_lives_by_each_odd_clock() -> None:
    for zone, everybody in CLOCKS.items():
        assert zone in {one.zone for one in everybody if one.id in IDS}


def test_the_town_is_small() -> None:
    assert len(IDS) < len(EVERYBODY) / 10
