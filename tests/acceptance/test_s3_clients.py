"""Tools that know S3 and nothing of Welkin: each takes a tree of files there and back, and no byte may differ."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config

from region import environment
from test_s3_web import named, resolve_localhost
from waiting import until

ROOT = pathlib.Path(__file__).parents[2]
# More than one part of any of these tools, as they are told here.
LARGE = 6 << 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Files as people have them: odd names, nothing in them, and more than fits into one part."""
    folder = tmp_path_factory.mktemp("tree")
    files = {
        "plain.txt": b"hello\n",
        "empty": b"",
        "with space & more.txt": b"a",
        "plus+and=sign;(1).bin": b"\x00\xff" * 700,
        "über/漢字/ñ.txt": "ü".encode(),
        "percent%20sign": b"%",
        "quote's.txt": b"'",
        "deep/er/and/deeper/file": b"x" * 5000,
        "deep/large.bin": os.urandom(LARGE),
    }
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        # Older than anything that is put now: S3 tells whole seconds, and `sync` sends what seems younger.
        os.utime(path, (0, 1_600_000_000))
    return folder


@pytest.fixture
def bucket(region):
    name = f"tools-{uuid.uuid4()}"
    region.client("s3").create_bucket(Bucket=name)
    return name


def hashes(folder):
    """What is in a folder, by name."""
    folder = pathlib.Path(folder)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(region, *command, **more):
    done = subprocess.run(
        [*map(str, command)],
        text=True,
        capture_output=True,
        timeout=120,
        env=environment(**region.exports, **more),
    )
    assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
    return done.stdout


def endpoint(region):
    return region.exports["AWS_ENDPOINT_URL"]


def test_the_command_line(region, bucket, tree, tmp_path):
    there = f"s3://{bucket}/in"
    region.aws("s3", "sync", tree, there, "--only-show-errors")
    region.aws("s3", "sync", there, tmp_path / "back", "--only-show-errors")
    assert hashes(tmp_path / "back") == hashes(tree)
    assert region.aws("s3", "sync", tree, there) == "", "nothing has changed"
    region.aws("s3", "mv", f"{there}/plain.txt", f"{there}/moved here.txt")
    listed = region.aws("s3", "ls", "--recursive", there)
    assert "in/moved here.txt" in listed and "in/plain.txt" not in listed
    address = region.aws("s3", "presign", f"{there}/moved here.txt").strip()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
        assert answer.read() == b"hello\n"
    head = region.aws("s3api", "head-object", "--bucket", bucket, "--key", "in/empty", "--query", "ContentLength")
    assert head.strip() == "0"
    region.aws("s3", "cp", "--recursive", "--only-show-errors", there, f"s3://{bucket}/copy")
    region.aws("s3", "rm", "--recursive", "--only-show-errors", there)
    left = region.aws("s3api", "list-objects-v2", "--bucket", bucket, "--query", "length(Contents)")
    assert int(left) == len(hashes(tree))
    region.aws("s3", "rb", "--force", f"s3://{bucket}")


def test_boto3_as_resources(region, bucket, tree, tmp_path, monkeypatch):
    resolve_localhost(monkeypatch)
    keys = region.exports
    s3 = boto3.session.Session().resource(
        "s3",
        endpoint_url=named(region),
        region_name=keys["AWS_DEFAULT_REGION"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "virtual"}, proxies={}),
    )
    files = s3.Bucket(bucket)
    parts = boto3.s3.transfer.TransferConfig(multipart_threshold=LARGE - 1, multipart_chunksize=5 << 20)
    for name in hashes(tree):
        files.upload_file(str(tree / name), name, Config=parts)
    for entry in files.objects.all():
        path = tmp_path / entry.key
        path.parent.mkdir(parents=True, exist_ok=True)
        files.download_file(entry.key, str(path), Config=parts)
    assert hashes(tmp_path) == hashes(tree)
    files.objects.all().delete()
    files.delete()


MOVERS = {
    "boto3-2020": [ROOT / ".venv-2020/bin/python", ROOT / "tests/clients/python/mover.py", "boto3"],
    "minio": [sys.executable, ROOT / "tests/clients/python/mover.py", "minio"],
    "django-storages": [sys.executable, ROOT / "tests/clients/python/mover.py", "django"],
    "javascript": ["node", ROOT / "tests/clients/js/mover.mjs"],
}


@pytest.mark.parametrize("client", MOVERS)
def test_a_library(region, bucket, tree, tmp_path, client):
    run(region, *MOVERS[client], bucket, tree, tmp_path / "back", ENDPOINT=endpoint(region))
    assert hashes(tmp_path / "back") == hashes(tree)


def test_s3cmd(region, bucket, tree, tmp_path):
    keys, host = region.exports, endpoint(region).removeprefix("http://")
    # Without a name for the bucket in it, this program asks in path style.
    config = tmp_path / "s3cfg"
    config.write_text(
        textwrap.dedent(f"""\
            [default]
            access_key = {keys["AWS_ACCESS_KEY_ID"]}
            secret_key = {keys["AWS_SECRET_ACCESS_KEY"]}
            host_base = {host}
            host_bucket = {host}
            bucket_location = {keys["AWS_DEFAULT_REGION"]}
            use_https = False
            multipart_chunk_size_mb = 5
            """)
    )
    s3cmd = lambda *command: run(region, "s3cmd", "--config", config, "--no-progress", *command)
    s3cmd("sync", f"{tree}/", f"s3://{bucket}/in/")
    (tmp_path / "back").mkdir()
    s3cmd("sync", f"s3://{bucket}/in/", f"{tmp_path}/back/")
    assert hashes(tmp_path / "back") == hashes(tree)
    assert "MD5 sum" in s3cmd("info", f"s3://{bucket}/in/plain.txt")
    s3cmd("cp", f"s3://{bucket}/in/plain.txt", f"s3://{bucket}/copy")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}")
    s3cmd("rb", f"s3://{bucket}")


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_rclone(region, bucket, tree, tmp_path, style):
    keys = region.exports
    config = tmp_path / "rclone.conf"
    config.write_text(
        textwrap.dedent(f"""\
            [there]
            type = s3
            provider = {"AWS" if style == "virtual" else "Other"}
            access_key_id = {keys["AWS_ACCESS_KEY_ID"]}
            secret_access_key = {keys["AWS_SECRET_ACCESS_KEY"]}
            region = {keys["AWS_DEFAULT_REGION"]}
            endpoint = {named(region)}
            force_path_style = {"false" if style == "virtual" else "true"}
            """)
    )
    parts = ("--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M")
    # Names below `localhost` are not known to every resolver: the region itself leads there, as a proxy of itself.
    proxy = {"http_proxy": endpoint(region), "NO_PROXY": ""}
    rclone = lambda *command: run(region, "rclone", "--config", config, *parts, *command, **proxy)
    rclone("sync", tree, f"there:{bucket}/in")
    rclone("check", "--download", tree, f"there:{bucket}/in")
    rclone("sync", f"there:{bucket}/in", tmp_path / "back")
    assert hashes(tmp_path / "back") == hashes(tree)
    rclone("moveto", f"there:{bucket}/in/plain.txt", f"there:{bucket}/moved")
    rclone("purge", f"there:{bucket}")


def test_restic(region, bucket, tree, tmp_path):
    repository = f"s3:{endpoint(region)}/{bucket}/backup"
    secret = {"RESTIC_PASSWORD": "secret", "RESTIC_CACHE_DIR": str(tmp_path / "cache")}
    restic = lambda *command: run(region, "restic", "--repo", repository, *command, **secret)
    restic("init")
    restic("backup", tree)
    restic("check", "--read-data")
    restic("restore", "latest", "--target", tmp_path / "back")
    assert hashes(f"{tmp_path}/back{tree}") == hashes(tree)
    restic("forget", "latest", "--prune", "--keep-last", "1")


def test_duplicity(region, bucket, tree, tmp_path):
    address = f"boto3+s3://{bucket}/backup"
    options = ("--no-encryption", "--s3-endpoint-url", endpoint(region), "--archive-dir", tmp_path / "archive")
    duplicity = lambda *command: run(region, "duplicity", *command, *options, HOME=str(tmp_path))
    duplicity("full", tree, address)
    duplicity("restore", address, tmp_path / "back")
    assert hashes(tmp_path / "back") == hashes(tree)
    assert "Full" in duplicity("collection-status", address)


def test_a_bucket_as_a_file_system(region, bucket, tree, tmp_path):
    keys = region.exports
    secret, mount = tmp_path / "passwd", tmp_path / "mount"
    secret.write_text(f"{keys['AWS_ACCESS_KEY_ID']}:{keys['AWS_SECRET_ACCESS_KEY']}\n")
    secret.chmod(0o600)
    mount.mkdir()
    options = (
        f"url={endpoint(region)},endpoint={keys['AWS_DEFAULT_REGION']},passwd_file={secret},use_path_request_style"
        ",multipart_size=5,max_stat_cache_size=0,sigv4"
    )
    mounting = subprocess.Popen(
        ["s3fs", bucket, mount, "-f", "-o", options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(HOME=str(tmp_path)),
    )
    try:
        until(lambda: mount.is_mount() or mounting.poll() is not None, 30, "the bucket is mounted")
        assert mounting.poll() is None, mounting.stdout.read().decode()
        shutil.copytree(tree, mount / "in")
        (mount / "in/plain.txt").rename(mount / "in/moved")
        (mount / "in/moved").rename(mount / "in/plain.txt")
        shutil.copytree(mount / "in", tmp_path / "back")
        assert hashes(tmp_path / "back") == hashes(tree)
        shutil.rmtree(mount / "in")
        assert list(mount.iterdir()) == []
    finally:
        subprocess.run(["fusermount", "-u", "-z", mount], check=False)
        mounting.terminate()
        mounting.wait(30)
        mounting.stdout.close()
