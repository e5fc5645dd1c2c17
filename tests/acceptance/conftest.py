"""Regions for the tests. `region` simulates its machines; `lab` and `linux_region` run real ones."""

import os
import pathlib
import shutil

import pytest

import guests
from region import Region, welkin

CAN_RUN_GUESTS = os.geteuid() == 0 and pathlib.Path("/dev/net/tun").exists() and shutil.which("qemu-system-x86_64")


def pytest_collection_modifyitems(config, items):
    # In CI machines must run: a CI that skips them proves nothing.
    if CAN_RUN_GUESTS or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("guest"):
            item.add_marker(pytest.mark.skip(reason="needs root, /dev/net/tun and QEMU"))


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder with the tiny image, built once for all regions; packages stay in the checkout's cache."""
    base = tmp_path_factory.mktemp("image")
    packages = pathlib.Path(__file__).parents[2] / ".cache/packages"
    packages.mkdir(parents=True, exist_ok=True)
    (base / "cache").symlink_to(packages)
    built = welkin("image", "build", "tiny", "--data-dir", base)
    assert built.returncode == 0, built.stderr
    return base / "images"


def make_region(folder, host, images=None, *arguments):
    folder.mkdir(mode=0o700)
    if images:
        (folder / "images").symlink_to(images)
    return Region(folder, host, *arguments)


@pytest.fixture(scope="module")
def region(tmp_path_factory, images):
    """A region whose machines are simulated; the tests of a module share it."""
    region = make_region(tmp_path_factory.mktemp("sim") / "data", "sim", images)
    yield region.start()
    region.dispose()


@pytest.fixture
def linux_region(tmp_path, images):
    """A region with real machines, for one test."""
    region = make_region(tmp_path / "data", "linux", images)
    yield region.start()
    region.dispose()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, images):
    """A region with real machines that the tests of a module share."""
    region = make_region(tmp_path_factory.mktemp("lab") / "data", "linux", images)
    yield region.start()
    region.dispose()


@pytest.fixture(scope="module")
def guest(lab):
    """A guest that has booted, in the default security group, which lets nobody in."""
    guest = guests.launch(lab, guests.make_key(lab))
    # A machine that does not start fails the tests of its module once, not each after a wait of its own.
    guest.wait_for_state("running", within=30)
    guest.wait_for_console("welkin: ready")
    return guest
