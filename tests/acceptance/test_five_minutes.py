"""README.md's five minutes, word for word, with the AWS CLI and a guest that boots."""

import subprocess
import uuid

import pytest

import readme
from region import environment
from waiting import until

pytestmark = pytest.mark.guest


class Terminal:
    """A person's shell: one process, so that variables last from one block to the next."""

    def __init__(self, folder, env):
        self.folder = folder
        self.transcript = (folder / "transcript").open("w+")
        self.shell = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=env, text=True,
            stdin=subprocess.PIPE, stdout=self.transcript, stderr=subprocess.STDOUT,
        )

    def run(self, commands, within):
        """Runs a block; every command in it must succeed. Gives what it printed."""
        start, mark = self.size(), f"end-{uuid.uuid4()}"
        block = self.folder / mark
        block.write_text(commands)
        # Nothing to read for the commands: ssh would take the next lines of the shell's own input.
        self.shell.stdin.write(f"set -eo pipefail\n. ./{mark} < /dev/null\nset +e\necho {mark}\n")
        self.shell.stdin.flush()

        def ended():
            text = self.text(start)
            assert self.shell.poll() is None or mark in text, f"a command failed:\n{commands}\n{text}"
            return mark in text

        until(ended, within, f"the end of\n{commands}")
        return self.text(start)

    def size(self):
        return len(self.text(0))

    def text(self, start):
        with open(self.transcript.name) as transcript:
            return transcript.read()[start:]

    def close(self):
        self.shell.kill()
        self.shell.wait()
        self.transcript.close()


@pytest.fixture
def terminal(lab, tmp_path):
    (tmp_path / "README.md").write_text((readme.ROOT / "README.md").read_text())
    # Where the folder is, is all that differs from what a reader does.
    terminal = Terminal(tmp_path, environment(WELKIN_DATA_DIR=str(lab.folder), HOME=str(tmp_path)))
    yield terminal
    terminal.close()


def test_the_readme_does_what_it_says(lab, terminal):
    blocks = readme.blocks()
    assert list(blocks) == ["connect", "key", "launch", "login", "console", "terminate", "bucket"]

    assert lab.account in terminal.run(blocks["connect"], 60)
    terminal.run(blocks["key"], 60)
    launched = terminal.run(blocks["launch"], 60)
    assert "running" in launched
    assert "Linux" in terminal.run(blocks["login"], 180)
    # Signing in is possible from the moment sshd is there; the script given as user data runs right after.
    until(lambda: "hello from ip-172-31-" in terminal.run(blocks["console"], 60), 60, "the output of user data")
    assert "welkin: init" in terminal.run(blocks["console"], 60)
    terminal.run(blocks["terminate"], 120)
    assert "README.md" in terminal.run(blocks["bucket"], 60)
    assert lab.machines() == {}
