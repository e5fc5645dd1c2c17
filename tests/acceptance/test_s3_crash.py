"""`kill -9` of the real process while clients put, overwrite, copy, delete and upload in parts, lifecycle rules run and
segments are compacted: everything acknowledged is there byte for byte, nothing else is half there, and no bytes are left over.

Six cycles, or as many as `CRASH_CYCLES` says (`make soak`). The region's clock is ahead by more with each of its starts, so that
garbage is old enough at once, and the last starts are hours ahead.
"""

import json
import os
import random
import shutil
import threading

import pytest

from crashing import Client, Content, Gone, Model, Worker, bytes_of, clock_ahead, md5_of, tags
from region import Region, welkin
from waiting import until

CYCLES = int(os.environ.get("CRASH_CYCLES", "6"))
#: A new folder after so many cycles: at the last one, clocks are less ahead than uploads may be old (half an hour).
FRESH = 15
STEP = 61
WORKERS = 4
BUCKET = "crash"
SOURCE = bytes_of("source", 5 << 20)
RULES = """<LifecycleConfiguration>
<Rule><ID>{number}</ID><Status>Enabled</Status><Filter><Prefix>gone/</Prefix></Filter><Expiration><Days>1</Days></Expiration>
</Rule>
<Rule><ID>old</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><NoncurrentVersionExpiration>
<NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>
<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>
<Rule><ID>uploads</ID><Status>Enabled</Status><Filter><Prefix>gone/</Prefix></Filter><AbortIncompleteMultipartUpload>
<DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>"""


class Crashing(Region):
    """A region whose clock is ahead."""

    ahead = 0

    def environment(self):
        return clock_ahead(self.ahead)

    @property
    def address(self):
        return self.exports["AWS_ENDPOINT_URL"].removeprefix("http://")


class Expiring:
    """Puts what a rule takes away again within seconds, in a bucket with versions, and changes the rules: then they run."""

    def __init__(self):
        self.model = Model()
        self.gone = {}
        self.count = 0
        self.kept = [f"kept/{index}" for index in range(4)]
        self.rules = 0
        self.calls = 0

    def work(self, address, _source):
        client = Client(address)
        try:
            while True:
                self.step(client)
                self.calls += 1
        except Gone:
            pass

    def step(self, client):
        self.count += 1
        if self.count % 10 == 0:
            self.rules += 1
            body = RULES.format(number=self.rules).encode()
            client.sure("PUT", "/versions", {"lifecycle": ""}, body, {"Content-MD5": md5_of(body)})
        elif self.count % 3 == 0:
            key = f"gone/{self.count}"
            body = bytes_of(key, 50_000)
            self.gone[key] = Content.of(body)
            client.sure("PUT", f"/versions/{key}", body=body)
        elif self.count % 7 == 0:
            client.sure("POST", f"/versions/gone/upload{self.count}", {"uploads": ""})
        else:
            key = random.Random(self.count).choice(self.kept)
            if self.count % 8 == 1:
                self.model.pending[key] = None
                client.sure("DELETE", f"/versions/{key}")
            else:
                body = bytes_of(f"{key}{self.count}", 30_000)
                self.model.pending[key] = Content.of(body)
                client.sure("PUT", f"/versions/{key}", body=body)
            self.model.objects[key] = self.model.pending.pop(key)

    def check(self, client):
        for key in self.kept:
            status, _, body = client.call("GET", f"/versions/{key}")
            found = None if status == 404 else Content.of(body)
            assert status in (200, 404) and found in self.model.may_be(key), f"{key}: {status}, {found}"
            self.model.objects[key] = found
            self.model.pending.pop(key, None)
        for key, content in list(self.gone.items()):
            status, _, body = client.call("GET", f"/versions/{key}")
            assert status == 404 or Content.of(body) == content, f"{key}: {status}"
            if status == 404:
                del self.gone[key]

    def blobs(self):
        return sum(1 for content in self.model.objects.values() if content)


def prepare(client):
    for bucket in (BUCKET, "versions"):
        client.sure("PUT", f"/{bucket}")
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    client.sure("PUT", "/versions", {"versioning": ""}, body, {"Content-MD5": md5_of(body)})
    client.sure("PUT", f"/{BUCKET}/{Worker.SOURCE}", body=SOURCE)


def cycle(region, workers, luck):
    """Lets the workers work, and kills the region under their hands."""
    failures = []

    def run(worker):
        try:
            worker.work(region.address, SOURCE)
        except Exception as error:  # noqa: BLE001 - told by the test, not by its thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(worker,)) for worker in workers]
    before = sum(worker.calls for worker in workers)
    wanted = before + luck.randint(20, 150)
    for thread in threads:
        thread.start()
    until(lambda: failures or sum(worker.calls for worker in workers) >= wanted, 120, "the workers work")
    # At any instant of a call, not right after one.
    threading.Event().wait(luck.random() / 20)
    region.kill()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a worker hangs, and its region is gone"
    assert not failures, failures
    return sum(worker.calls for worker in workers) - before


def check(region, workers):
    for worker in workers:
        try:
            worker.check(Client(region.address))
        except Gone as gone:
            code, log = region.process.poll(), region.log_file("log").read_text()
            raise AssertionError(f"no answer, and nobody killed the region, which has ended with {code}: {log}") from gone


def usage(region):
    told = welkin("du", "--json", "--data-dir", region.folder)
    assert told.returncode == 0, told
    [disk] = json.loads(told.stdout)["disks"]
    return disk


def restart(region, ahead):
    if region.process is not None:
        region.kill()
    region.ahead = ahead
    return region.start()


def until_only(region, blobs, ahead):
    """Lets hours pass, until there is nothing on disk but what the model has."""
    for later in (0, 600, 1200):
        restart(region, ahead + later)

        def is_clean():
            disk = usage(region)
            assert disk["damaged_entries"] == 0
            if disk["small_blobs"] + disk["files"] == blobs and disk["garbage_bytes"] <= 1 << 20:
                return True
            raise LookupError(f"{disk} where {blobs} blobs are named")

        if later == 1200:
            until(is_clean, 60, f"{blobs} blobs are there, and no garbage")
        else:
            until(lambda: has_collected(region), 60, "what is due is collected")


def has_collected(region):
    """Whether each of S3's reconcilers has run to its end since the start."""
    told = welkin("admin", "reconcilers", "--data-dir", region.folder)
    assert told.returncode == 0, told
    rows = [line.split() for line in told.stdout.splitlines() if line.startswith("s3-")]
    return len(rows) >= 2 and all(state == "idle" and int(runs) > 0 for _, state, runs, *_ in rows)


def note_compactions(region, known):
    """How many of the segments that were known are other files now, or gone."""
    now = {path.name: path.stat().st_ino for path in (region.folder / "blobs").glob("??/*.segment")}
    changed = sum(1 for name, inode in known.items() if now.get(name) != inode)
    known.clear()
    known.update(now)
    return changed


def finish(region, workers):
    """Bytes that nobody was told of go, then everything is deleted, and nothing is left of it."""
    restart(region, 3 * 3600)
    # Which of the calls that were under way came to be is known after that.
    check(region, workers)
    until_only(region, 1 + sum(worker.blobs() for worker in workers), 3 * 3600)
    check(region, workers)
    scrubbed = welkin("scrub", "--data-dir", region.folder)
    assert scrubbed.returncode == 0, scrubbed
    client = Client(region.address)
    for worker in workers:
        if isinstance(worker, Worker):
            for name, upload in worker.model.uploads.items():
                client.sure("DELETE", f"/{BUCKET}/{upload.key}", {"uploadId": name})
    for bucket in (BUCKET, "versions"):
        _, text = client.sure("GET", f"/{bucket}", {"versions": ""})
        for key, version in zip(tags(text, "Key"), tags(text, "VersionId"), strict=True):
            client.sure("DELETE", f"/{bucket}/{key}", {"versionId": version})
        _, text = client.sure("GET", f"/{bucket}", {"versions": ""})
        assert tags(text, "Key") == []
    until_only(region, 0, 6 * 3600)
    # The one that is being written stays.
    until(lambda: len(list((region.folder / "blobs").glob("??/*"))) <= 1, 60, "segments without a blob go")


@pytest.fixture
def folders(tmp_path):
    regions = []

    def make():
        folder = tmp_path / f"data{len(regions)}"
        folder.mkdir(mode=0o700)
        region = Crashing(folder, "sim", "--dev", "--s3-lifecycle-day", "1s", "--throttle", "off", "--log", "error")
        regions.append(region)
        return region

    yield make
    for region in regions:
        if region.folder.exists():
            region.dispose()


def test_killed_at_any_instant_s3_loses_nothing_acknowledged_and_leaks_nothing(folders):
    seed = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
    print("CRASH_SEED", seed)
    luck = random.Random(seed)
    calls = done = compactions = 0
    while done < CYCLES:
        region, cycles = folders(), min(FRESH, CYCLES - done)
        segments = {}
        workers = [*(Worker(number, BUCKET) for number in range(WORKERS)), Expiring()]
        for number in range(cycles):
            restart(region, number * STEP)
            if number == 0:
                prepare(Client(region.address))
            else:
                check(region, workers)
            calls += cycle(region, workers, luck)
            done += 1
            compactions += note_compactions(region, segments)
        finish(region, workers)
        region.dispose()
        shutil.rmtree(region.folder, ignore_errors=True)
        print(f"{done} cycles, {calls} calls, {compactions} segments compacted", flush=True)
