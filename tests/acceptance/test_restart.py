"""Another program takes over a running region: no connection is refused, no call fails, no machine stops."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest

import guests
from region import BINARY, Region, environment, welkin
from waiting import until


@pytest.fixture
def region(tmp_path):
    region = Region(tmp_path / "data", "sim").start()
    yield region
    region.dispose()


def since(region):
    """What the process that answers says of itself."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(20)
        admin.connect(str(region.folder / "admin.sock"))
        admin.sendall(b'"status"\n')
        return b"".join(iter(lambda: admin.recv(4096), b""))


def restart(region, program=BINARY):
    done = subprocess.run(
        [program, "restart", "--data-dir", region.folder], text=True, capture_output=True, timeout=100, env=environment()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Hammer:
    """Threads that call again and again, and keep what went wrong."""

    def __init__(self, *calls):
        self.failures, self.done, self.longest = [], [0] * len(calls), 0
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number, call)) for number, call in enumerate(calls)]

    def run(self, number, call):
        while not self.is_over.is_set() and not self.failures:
            began = time.monotonic()
            try:
                call()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
                self.failures.append(repr(error))
            self.done[number] += 1
            self.longest = max(self.longest, time.monotonic() - began)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def go_on(self):
        """Until each has had some more calls answered, or one has failed."""
        goal = [done + 3 for done in self.done]
        until(
            lambda: self.failures or all(done >= wanted for done, wanted in zip(self.done, goal)),
            60,
            "calls are answered",
        )


def hammer(region):
    endpoint = urllib.parse.urlparse(region.exports["AWS_ENDPOINT_URL"])
    authority = region.exports.get("AWS_CA_BUNDLE")

    def connect():
        if authority is None:
            return http.client.HTTPConnection(endpoint.netloc, timeout=30)
        context = ssl.create_default_context(cafile=authority)
        return http.client.HTTPSConnection(endpoint.netloc, timeout=30, context=context)

    def new_connection():
        connection = connect()
        connection.request("GET", "/_welkin/health")
        assert connection.getresponse().status == 200
        connection.close()

    # One connection that is used again and again, as long as the region has not said that it ends.
    kept = connect()

    def kept_connection():
        kept.request("GET", "/_welkin/health")
        answer = kept.getresponse()
        assert answer.status == 200 and answer.read()

    # No retries: what fails, fails.
    ec2, s3 = region.client("ec2", verify=authority), region.client("s3", verify=authority)
    s3.create_bucket(Bucket="hammered")
    written = []

    def write():
        key = f"key-{len(written)}"
        s3.put_object(Bucket="hammered", Key=key, Body=key.encode())
        written.append(key)

    return Hammer(new_connection, new_connection, kept_connection, lambda: ec2.describe_vpcs(), write), written


@pytest.mark.parametrize("tls", ["off", "self-signed"])
def test_nothing_fails_while_restarts_go_on(tmp_path, tls):
    region = Region(tmp_path / "data", "sim", "--tls", tls).start()
    try:
        go_on_through_restarts(region)
    finally:
        region.dispose()


def go_on_through_restarts(region):
    hammering, written = hammer(region)
    with hammering:
        for _ in range(3):
            hammering.go_on()
            before = since(region)
            assert "runs Welkin" in restart(region)
            assert since(region) != before
        before = since(region)
        region.process.send_signal(signal.SIGUSR2)
        until(lambda: since(region) != before, 60, "it restarts by a signal")
        hammering.go_on()
    assert not hammering.failures, hammering.failures
    assert region.process.poll() is None, "it is the same process"
    s3 = region.client("s3", verify=region.exports.get("AWS_CA_BUNDLE"))
    keys = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="hammered") for item in page["Contents"]]
    assert sorted(keys) == sorted(written)
    # A wait, not a failure; and the wait is bounded: what is measured here is some tenths of a second.
    assert hammering.longest < 20, hammering.longest


def test_the_program_that_asks_is_the_one_that_takes_over(region, tmp_path):
    program = shutil.copy(BINARY, tmp_path / "another-welkin")
    restart(region, program)
    assert os.readlink(f"/proc/{region.process.pid}/exe") == str(program)
    # And when the program was replaced in its place, the new one runs.
    os.unlink(program)
    shutil.copy(BINARY, program)
    before = since(region)
    region.process.send_signal(signal.SIGUSR2)
    until(lambda: since(region) != before, 60, "it restarts")
    assert os.readlink(f"/proc/{region.process.pid}/exe") == str(program)


def test_a_program_that_could_not_start_changes_nothing(tmp_path):
    settings = tmp_path / "welkin.toml"
    settings.write_text("log = 'info'\n")
    region = Region(tmp_path / "data", "sim", "--config", str(settings)).start()
    try:
        before = since(region)
        settings.write_text("lgo = 'info'\n")
        done = welkin("restart", "--data-dir", region.folder)
        assert done.returncode == 1 and "did you mean 'log'" in done.stderr and "goes on as it was" in done.stderr, done
        assert since(region) == before
        assert region.client("sts").get_caller_identity()["Account"] == region.account
        settings.write_text("log = 'debug'\n")
        restart(region)
        until(lambda: " DEBUG " in region.log_file("log").read_text(), 20, "the new settings hold")
    finally:
        region.dispose()


def test_a_restart_needs_a_region(tmp_path):
    done = welkin("restart", "--data-dir", tmp_path)
    assert done.returncode == 1 and "no region answers" in done.stderr, done


def test_after_a_restart_everything_else_is_as_before(region):
    restart(region)
    assert "stops the machines too" in region.banner()
    region.kill()
    region.start()
    restart(region)
    assert region.stop() == 0


def test_a_socket_that_a_service_manager_made_is_used_and_kept(tmp_path):
    """As systemd does it: the socket is there before the program and after it, and news go to another one."""
    folder = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news:
        news.bind(str(tmp_path / "news"))
        port = listening.getsockname()[1]

        # The socket is descriptor 3 of a process that is named in its environment. (dash knows one digit only.)
        number = listening.fileno()
        script = f'export LISTEN_PID=$$; exec "$0" "$@" 3<&{number}'
        command = ["bash", "-c", script, BINARY, "up", "--host", "sim", "--data-dir", folder, "--listen", "127.0.0.1:1"]
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(
                [*map(str, command)],
                env=environment(LISTEN_FDS="1", NOTIFY_SOCKET=str(tmp_path / "news")),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=[number],
            )
        try:
            assert hear(news, process) == b"READY=1", (tmp_path / "log").read_text()
            assert ask_health(port) == 200
            assert welkin("restart", "--data-dir", folder).returncode == 0
            assert hear(news, process).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert hear(news, process) == b"READY=1"
            assert ask_health(port) == 200
            process.terminate()
            assert process.wait(30) == 0
            assert hear(news, process) == b"STOPPING=1"
            # The manager still has it: nobody is refused until the next start.
            with socket.create_connection(("127.0.0.1", port), timeout=10):
                pass
        finally:
            process.kill()
            process.wait(10)
            welkin("down", "--purge", "--data-dir", folder)


def hear(news, process):
    """The next news; none if the process ends without any."""

    def attempt():
        try:
            return news.recv(1000, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return b"-" if process.poll() is not None else b""

    return until(attempt, 30, "there are news")


def ask_health(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/_welkin/health")
    return connection.getresponse().status


@pytest.mark.guest
def test_machines_go_on_through_a_restart(linux_region):
    guest = guests.launch(linux_region, guests.make_key(linux_region))
    guest.wait_for_state("running")
    (machine,) = linux_region.machines()[guest.id]
    restart(linux_region)
    assert linux_region.machines()[guest.id] == [machine]
    assert guest.state() == "running"
    linux_region.client("ec2").terminate_instances(InstanceIds=[guest.id])
    # Gone altogether: nothing of it stays in the process table.
    until(lambda: not os.path.exists(f"/proc/{machine}"), 60, "its process is gone and noted")
