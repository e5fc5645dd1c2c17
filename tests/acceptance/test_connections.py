"""Connections by the thousand, and bodies without end: they cost little, and keep nobody out for long."""

import concurrent.futures
import datetime
import re
import resource
import socket
import urllib.request

import botocore.exceptions
import pytest

from conftest import make_region
from waiting import until

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


BODIES = 60
BODY = 2 * 1024 * 1024
# One address has half of 64 MiB; a body that grows has up to twice its size for a while, and there is everything else.
MAX_HELD = 96 * 1024 * 1024


def peak(region):
    status = open(f"/proc/{region.process.pid}/status").read()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def is_answered(region):
    try:
        return region.client("sts").get_caller_identity()["Account"] == region.account
    except botocore.exceptions.ClientError as refused:
        assert refused.response["Error"]["Code"] == "ServiceUnavailable", refused
        return False


def send(connection, data):
    try:
        connection.sendall(data)
    except ConnectionError:
        # It was told that there is no room, and did not listen.
        pass


def answer_to(connection):
    connection.settimeout(0)
    try:
        return connection.recv(64 * 1024, socket.MSG_PEEK)
    except OSError:
        return b""


def test_bodies_without_end_fill_only_their_share_of_the_memory(lonely_region):
    """Who knows an access key id, which is no secret, has bodies held until the signature can be compared."""
    region = lonely_region
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{region.exports['AWS_ACCESS_KEY_ID']}/{now[:8]}/us-east-1/ec2/aws4_request"
    head = (
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        f"x-amz-date: {now}\r\ncontent-length: {BODY}\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}, "
        f"SignedHeaders=host;x-amz-date, Signature={64 * '0'}\r\n\r\n"
    ).encode()
    assert is_answered(region)
    before = peak(region)
    open_ones = []
    try:
        open_ones.extend(socket.create_connection(address(region), timeout=30) for _ in range(BODIES))
        with concurrent.futures.ThreadPoolExecutor(BODIES) as threads:
            list(threads.map(lambda connection: send(connection, head + bytes(BODY - 1)), open_ones))
        until(
            lambda: any(b"<Code>Unavailable</Code>" in answer_to(connection) for connection in open_ones),
            30,
            "one address has filled its share",
        )
        assert peak(region) - before < MAX_HELD, f"{(peak(region) - before) >> 20} MiB"
    finally:
        for connection in open_ones:
            connection.close()
    until(lambda: is_answered(region), 30, "there is room again")
