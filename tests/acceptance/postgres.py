"""A server of PostgreSQL for a test: in a temporary folder, on a Unix socket, run by somebody other than root."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = found or [pathlib.Path(path) for path in [shutil.which("initdb")] if path]
    assert found, "PostgreSQL is not installed: run scripts/install-needs test"
    return found[-1].parent


def owner():
    if os.geteuid() != 0:
        return {}
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="welkin-postgres-"))
        self.programs = programs()
        if "user" in owner():
            os.chown(self.folder, owner()["user"], owner()["group"])
        self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D", self.data)
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"unix_socket_directories = '{self.folder}'\nlisten_addresses = ''\nmax_connections = 120\n")
        self.start()

    @property
    def data(self):
        return self.folder / "data"

    @property
    def url(self):
        return f"postgres:///postgres?host={self.folder}&user=postgres"

    def run(self, program, *arguments):
        with (self.folder / "output").open("a") as output:
            done = subprocess.run(
                [self.programs / program, *map(str, arguments)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                **owner(),
            )
        assert done.returncode == 0, (self.folder / "output").read_text()

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "start")

    def kill(self):
        """As if its machine had failed."""
        self.run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def sql(self, statement):
        done = subprocess.run(
            [self.programs / "psql", "--no-psqlrc", "-Atqc", statement, self.url],
            text=True,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def dispose(self):
        try:
            if (self.data / "postmaster.pid").exists():
                self.kill()
        finally:
            shutil.rmtree(self.folder)
