"""Connections by the thousand: those that say nothing cost little, and keep nobody out."""

import resource
import socket
import urllib.request

import pytest

from conftest import make_region

IDLE = 2000
# Read buffer, task and timers of a connection that has been answered once; HTTP's own part of that is 8 KB.
MAX_BYTES_EACH = 20 * 1024


@pytest.fixture
def lonely_region(tmp_path):
    """A region that nobody else uses, so that its memory tells of this test alone."""
    region = make_region(tmp_path / "data", "sim")
    yield region.start()
    region.dispose()


def resident(region):
    pages = int(open(f"/proc/{region.process.pid}/statm").read().split()[1])
    return pages * resource.getpagesize()


def address(region):
    host, port = region.exports["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    return host, int(port)


def test_thousands_of_idle_connections_cost_little_and_new_calls_are_answered(lonely_region):
    region = lonely_region
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * IDLE + 512), hard))
    idle = []
    try:
        region.client("sts").get_caller_identity()
        before = resident(region)
        for number in range(IDLE):
            connection = socket.create_connection(address(region), timeout=30)
            if number % 2:
                connection.sendall(b"GET /_welkin/health HTTP/1.1\r\nhost: localhost\r\n\r\n")
                assert connection.recv(12) == b"HTTP/1.1 200"
            if number % 10 == 0:
                connection.shutdown(socket.SHUT_WR)
            idle.append(connection)
        assert region.client("sts").get_caller_identity()["Account"] == region.account
        grown = resident(region) - before
        assert grown < IDLE * MAX_BYTES_EACH, f"{grown / IDLE:.0f} bytes for each connection"
        with urllib.request.urlopen(f"{region.exports['AWS_ENDPOINT_URL']}/_welkin/health", timeout=30) as answer:
            assert answer.status == 200
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
