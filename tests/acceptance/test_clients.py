"""Clients of every age: the newest boto3, boto3 of 2020, and the AWS SDK for JavaScript, each unmodified in a process of its
own, through the same scenarios (tests/clients)."""

import pathlib
import subprocess
import sys

import pytest

from region import environment

ROOT = pathlib.Path(__file__).parents[2]
CLIENTS = {
    "boto3": [sys.executable, ROOT / "tests/clients/python/drive.py"],
    "boto3-2020": [ROOT / ".venv-2020/bin/python", ROOT / "tests/clients/python/drive.py"],
    "javascript": ["node", ROOT / "tests/clients/js/drive.mjs"],
}
SCENARIOS = ["identity", "instances", "pages", "errors", "objects", "presigned"]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_any_age_is_served(region, client, scenario):
    done = subprocess.run(
        [*map(str, CLIENTS[client]), scenario],
        text=True,
        capture_output=True,
        timeout=150,
        env=environment(**region.exports),
    )
    assert done.returncode == 0, done.stderr
