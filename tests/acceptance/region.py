"""A region under test: the real binary with a data folder of its own."""

import json
import os
import pathlib
import re
import shlex
import signal
import subprocess

import boto3
import botocore.config

from waiting import until

BINARY = pathlib.Path(
    os.environ.get("WELKIN_BIN", pathlib.Path(__file__).parents[2] / "target/debug/welkin")
).absolute()
VENV_PROGRAMS = pathlib.Path(os.sys.executable).parent

# A start takes milliseconds; this is for a machine with much else to do.
START_LIMIT = 30


def environment(**more):
    """The environment of a person who has never used AWS, with the clients of the test's own Python first."""
    kept = {name: os.environ[name] for name in ("LANG", "TERM", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([str(VENV_PROGRAMS), str(BINARY.parent), os.environ["PATH"], "/usr/sbin", "/sbin"])
    return {
        **kept,
        "PATH": path,
        "HOME": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        **more,
    }


def welkin(*arguments, **options):
    """Runs `welkin` to its end."""
    options.setdefault("env", environment())
    options.setdefault("timeout", 150)
    return subprocess.run([BINARY, *map(str, arguments)], text=True, capture_output=True, **options)


class Region:
    """`welkin up` on one data folder; start it, stop it, kill it, start it again."""

    def __init__(self, folder, host, *arguments):
        self.folder = pathlib.Path(folder)
        self.host = host
        self.arguments = arguments
        self.process = None
        self.starts = 0
        self.exports = {}

    def log_file(self, stream):
        return self.folder.with_name(f"{self.folder.name}.{self.starts}.{stream}")

    def start(self):
        assert self.process is None
        self.starts += 1
        command = [BINARY, "up", "--listen", "127.0.0.1:0", "--data-dir", self.folder, "--host", self.host]
        with self.log_file("out").open("w") as out, self.log_file("log").open("w") as log:
            self.process = subprocess.Popen(
                [*map(str, command), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self.environment(),
                # A group of its own: what is sent to the tests' terminal does not reach it.
                start_new_session=True,
            )
        until(self.is_ready, START_LIMIT, "the region says that it is ready")
        self.exports = self.read_exports()
        return self

    def environment(self):
        return environment()

    def is_ready(self):
        code = self.process.poll()
        assert code is None, f"welkin up ended with {code}:\n{self.log_file('log').read_text()}"
        # The banner's last line: what is above it has been printed too.
        return "stops the machines too" in self.banner()

    def banner(self):
        return self.log_file("out").read_text()

    def read_exports(self):
        printed = welkin("env", "--data-dir", self.folder)
        assert printed.returncode == 0, printed.stderr
        pairs = (shlex.split(line)[1] for line in printed.stdout.splitlines() if line.startswith("export "))
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def tag(self):
        return json.loads((self.folder / "identity.json").read_text())["tag"]

    @property
    def account(self):
        return re.search(r"account +(\d{12})\b", self.banner()).group(1)

    def client(self, service, **options):
        keys = self.exports
        options.setdefault("endpoint_url", keys["AWS_ENDPOINT_URL"])
        options.setdefault("region_name", keys["AWS_DEFAULT_REGION"])
        options.setdefault("aws_access_key_id", keys["AWS_ACCESS_KEY_ID"])
        options.setdefault("aws_secret_access_key", keys["AWS_SECRET_ACCESS_KEY"])
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30, proxies={})
        return boto3.session.Session().client(
            service,
            config=config.merge(options.pop("config", None) or botocore.config.Config()),
            **options,
        )

    def aws(self, *arguments, **options):
        """Runs the AWS CLI to its end, which must be a good one."""
        done = subprocess.run(
            ["aws", *map(str, arguments)],
            text=True,
            capture_output=True,
            timeout=120,
            env=environment(**self.exports),
            **options,
        )
        assert done.returncode == 0, f"aws {arguments}: {done.stderr}{done.stdout}"
        return done.stdout

    def stop(self, with_signal=signal.SIGTERM, within=40):
        """Asks the process to end and gives its exit code."""
        self.process.send_signal(with_signal)
        return self.ended(within)

    def kill(self):
        """As if the power of the process, and of nothing else, had failed."""
        self.process.send_signal(signal.SIGKILL)
        self.ended(10)

    def ended(self, within):
        code = self.process.wait(within)
        self.process = None
        return code

    def down(self, *arguments):
        done = welkin("down", "--data-dir", self.folder, *arguments)
        assert done.returncode == 0, done.stderr
        if self.process is not None:
            self.ended(40)
        return done

    def dispose(self):
        """Ends everything and leaves nothing; prints the end of each log for the report of a failed test."""
        try:
            if (self.folder / "identity.json").exists():
                self.down("--purge")
        finally:
            if self.process is not None:
                self.kill()
            for log in sorted(self.folder.parent.glob(f"{self.folder.name}.*.log")):
                print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-60:]))

    def machines(self):
        """Process ids by instance id of the QEMUs that run for this folder."""
        found = {}
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "qemu-system" in words[0] and any(str(self.folder) in word for word in words):
                named = re.search(r"\bi-[0-9a-f]{17}\b", " ".join(words))
                # One that is of no instance is the self-test of KVM, which ends by itself, or a leak.
                found.setdefault(named.group() if named else " ".join(words), []).append(int(folder.name))
        return found
