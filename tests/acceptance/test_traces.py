"""What a region does to the host it runs on, and that `welkin down --purge` takes it all back."""

import subprocess

import pytest

import guests
from waiting import until

pytestmark = pytest.mark.guest

QUESTIONS = {
    "links": ["ip", "-brief", "link"],
    "routes": ["ip", "route", "show", "table", "all"],
    "rules": ["ip", "rule"],
    "namespaces": ["ip", "netns", "list"],
    "filters": ["nft", "list", "ruleset"],
}


def host_state(tag):
    """What the kernel says of the host, without what belongs to other regions on this machine."""
    state = {}
    for name, command in QUESTIONS.items():
        text = subprocess.run(command, text=True, capture_output=True, check=True).stdout
        lines = (line.split("@")[0] if name == "links" else line for line in text.splitlines())
        # Link states and ids of namespaces change by themselves.
        words = (line.split(" (id:")[0].strip() for line in lines)
        is_foreign = lambda line: ("wk-" in line or "welkin-" in line) and (tag is None or tag not in line)  # noqa: E731
        state[name] = sorted(line for line in words if line and not is_foreign(line))
    return state


def test_down_stops_everything_and_purge_leaves_nothing(linux_region):
    region = linux_region
    tag = region.tag
    guest = guests.launch(region, guests.make_key(region))
    guest.wait_for_state("running")

    busy = host_state(tag)
    assert [line for line in busy["links"] if tag in line] == [f"wk-{tag}"], "one link"
    assert len([line for line in busy["routes"] if f"wk-{tag}" in line and "local" not in line and "broadcast" not in line]) == 1
    assert any(tag in line for line in busy["namespaces"])

    region.down()
    assert region.machines() == {}
    quiet = host_state(tag)
    for name, lines in quiet.items():
        assert [line for line in lines if tag in line] == [], name
        # Nothing else has changed either: what was there before the region is what was there beside it.
        assert [line for line in busy[name] if tag not in line] == lines, name

    # Down is not the end: the next start brings it back.
    region.start()
    until(lambda: guest.state() == "running" and region.machines(), 60, "the machine runs again")

    done = region.down("--purge")
    assert "without a trace" in done.stdout
    assert not region.folder.exists() and region.machines() == {}
    assert host_state(tag) == quiet
