"""What is around the binary: completions, exit codes, and the service's files."""

import configparser
import os
import pathlib
import shutil
import subprocess

import pytest

from region import BINARY, environment, welkin

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_know_commands_and_options(shell):
    script = welkin("completions", shell).stdout
    for word in ("restart", "data-dir", "tls-cert", "completions"):
        assert word in script
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=script, text=True, check=True, timeout=30)


def test_bash_completes_a_command():
    script = welkin("completions", "bash").stdout
    asked = f'{script}\nCOMP_WORDS=(welkin re); COMP_CWORD=1; _welkin welkin re welkin; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", asked], text=True, capture_output=True, timeout=30, env=environment())
    assert "restart" in done.stdout.split(), done


def test_exit_codes_tell_a_wrong_question_from_a_failure(tmp_path):
    mistyped = welkin("restrat")
    assert mistyped.returncode == 2 and "'restart'" in mistyped.stderr
    assert welkin("up", "--zones", "99").returncode == 2
    assert welkin("env", "--data-dir", tmp_path).returncode == 1
    assert welkin("--help").returncode == 0


def test_every_command_explains_itself():
    def walk(*words):
        done = welkin(*words, "--help")
        assert done.returncode == 0, done
        assert "Usage: welkin" in done.stdout
        listed = done.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
        for line in listed:
            name = line.split()[0]
            if name != "help":
                assert len(line.split()) > 1, f"{line} is not explained"
                walk(*words, name)

    walk()


def test_a_check_starts_nothing(tmp_path):
    done = welkin("up", "--check", "--host", "sim", "--data-dir", tmp_path / "data")
    assert done.returncode == 0 and "could start" in done.stdout and not (tmp_path / "data").exists()
    wrong = welkin("up", "--check", "--host", "sim", "--tls-cert", tmp_path / "a", "--tls-key", tmp_path / "b")
    assert wrong.returncode == 1 and str(tmp_path / "a") in wrong.stderr


def test_the_service_is_installed_whole(tmp_path):
    done = subprocess.run(
        [ROOT / "scripts/install-service", BINARY],
        text=True,
        capture_output=True,
        timeout=60,
        env=environment(DESTDIR=str(tmp_path)),
    )
    assert done.returncode == 0, done.stderr
    assert os.access(tmp_path / "usr/local/bin/welkin", os.X_OK)
    # systemd itself passes over what it does not understand, and says so only in its log.
    verify = ["systemd-analyze", "verify", f"--root={tmp_path}", "--recursive-errors=no", "--man=no"]
    verified = subprocess.run([*verify, "welkin.service", "welkin.socket"], text=True, capture_output=True, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(tmp_path / "etc/systemd/system/welkin.service")
    service = unit["Service"]
    assert (service["Type"], service["KillMode"]) == ("notify", "process")
    # What the unit starts are commands that there are.
    for key in ("ExecStart", "ExecReload"):
        program, *words = service[key].split()
        assert (tmp_path / program.lstrip("/")).exists()
        assert welkin(*words, "--help").returncode == 0
    assert "restart" in (tmp_path / "usr/local/share/bash-completion/completions/welkin").read_text()
