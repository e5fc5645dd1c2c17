"""Starting in a world that is not ready for it: one clear line, an exit code that is not 0, and nothing harmed."""

import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

from region import BINARY, Region, environment, welkin


def refusal(*arguments, **options):
    """What `welkin up` says when it refuses: its only line."""
    done = welkin("up", "--listen", "127.0.0.1:0", *arguments, timeout=30, **options)
    assert done.returncode not in (0, 101), done
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1 and lines[0].startswith("welkin: "), done.stderr
    return lines[0]


def test_a_second_start_on_the_same_folder_is_refused(region):
    assert "already runs" in refusal("--host", "sim", "--data-dir", region.folder)
    assert region.client("sts").get_caller_identity()["Account"] == region.account


def test_a_busy_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = welkin("up", "--host", "sim", "--data-dir", tmp_path / "data", "--listen", f"127.0.0.1:{port}", timeout=30)
    assert done.returncode == 1 and f"127.0.0.1:{port}" in done.stderr, done.stderr


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert str(file) in refusal("--host", "sim", "--data-dir", file / "data")
    assert str(file) in refusal("--host", "sim", "--data-dir", file)
    assert file.read_text() == "mine"


def test_a_folder_of_something_else_is_refused_and_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    assert "thesis.tex" in refusal("--host", "sim", "--data-dir", tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_an_unknown_setting_names_the_nearest_known_one(tmp_path):
    file = tmp_path / "welkin.toml"
    file.write_text("datadir = 'x'\n")
    assert "data_dir" in refusal("--config", file)
    assert "WELKIN_LISTEN" in refusal(env=environment(WELKIN_LISTNE="127.0.0.1:1"))
    assert "zones" in refusal("--zones", "99", "--data-dir", tmp_path / "data")


@pytest.mark.guest
def test_missing_qemu_is_named_with_the_command_that_installs_it(tmp_path):
    line = refusal("--data-dir", tmp_path / "data", env=environment(PATH="/nonexistent"))
    assert "qemu is missing" in line and "apt-get install" in line and "qemu-system-x86" in line


def test_an_ordinary_user_is_told_what_root_is_for_and_offered_a_simulation():
    # Not in pytest's folder, which only root may enter.
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)
        program = shutil.copy(BINARY, base)
        data = pathlib.Path(base, "home")
        data.mkdir()
        nobody = {"env": environment(), "cwd": base}
        if os.geteuid() == 0:
            os.chown(data, 65534, 65534)
            nobody |= {"user": 65534, "group": 65534, "extra_groups": []}
        command = [program, "up", "--listen", "127.0.0.1:0", "--data-dir", data / "data"]
        done = subprocess.run(command, text=True, capture_output=True, timeout=30, **nobody)
        assert done.returncode == 1 and "root" in done.stderr and "--host sim" in done.stderr, done.stderr
        with subprocess.Popen([*command, "--host", "sim"], text=True, stdout=subprocess.PIPE, **nobody) as process:
            assert "is ready" in process.stdout.readline()
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_order(tmp_path, by):
    region = Region(tmp_path / "data", "sim").start()
    assert region.stop(by) == 0
    region.start()
    region.down()
    assert region.folder.exists()
    region.dispose()


def test_down_needs_no_region(tmp_path):
    assert welkin("down", "--data-dir", tmp_path / "nothing").returncode == 0
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine").write_text("x")
    done = welkin("down", "--purge", "--data-dir", tmp_path / "letters")
    assert done.returncode == 1 and (tmp_path / "letters" / "mine").exists()


def test_secrets_are_their_owners_alone(region):
    assert stat.S_IMODE(region.folder.stat().st_mode) == 0o700
    secret = region.exports["AWS_SECRET_ACCESS_KEY"].encode()
    for path in region.folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and secret in path.read_bytes():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_env_says_when_there_is_no_region(tmp_path):
    done = welkin("env", "--data-dir", tmp_path)
    assert done.returncode == 1 and done.stdout == "" and "no region" in done.stderr


def test_two_regions_live_side_by_side(region, tmp_path):
    other = Region(tmp_path / "data", "sim", "--region", "eu-lab-7", "--zones", "2").start()
    try:
        assert other.account != region.account
        zones = other.client("ec2").describe_availability_zones()["AvailabilityZones"]
        assert [zone["ZoneName"] for zone in zones] == ["eu-lab-7a", "eu-lab-7b"]
        other.exports["AWS_ENDPOINT_URL"] = region.exports["AWS_ENDPOINT_URL"]
        other.exports["AWS_DEFAULT_REGION"] = region.exports["AWS_DEFAULT_REGION"]
        with pytest.raises(Exception, match="InvalidClientTokenId"):
            other.client("sts").get_caller_identity()
    finally:
        other.dispose()


def test_reconcilers_show_themselves(region):
    shown = welkin("admin", "reconcilers", "--data-dir", region.folder)
    assert shown.returncode == 0 and "instance" in shown.stdout.lower(), shown


def test_doctor_names_what_there_is(tmp_path):
    found = welkin("doctor", "--data-dir", tmp_path).stdout
    for name in ("qemu", "virtualisation", "nft", "cgroups", "disk sync"):
        assert name in found
