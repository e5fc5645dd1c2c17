"""What `test_s3_crash.py` needs: an unsigned S3 client over one connection, and a model of what a region has acknowledged.

The region runs with `--dev`, so that its clock may be far from ours: a signature would be refused.
"""

import glob
import hashlib
import http.client
import random
import re
import time
import urllib.parse
from base64 import b64encode
from dataclasses import dataclass, field

from region import environment


def clock_ahead(seconds):
    """The environment of a region whose clock is ahead."""
    [library] = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    # The times of files stay the real ones: they are what a blob's age is told by.
    return environment(LD_PRELOAD=library, FAKETIME=f"+{seconds}", FAKETIME_DONT_FAKE_MONOTONIC="1", NO_FAKE_STAT="1")


class Gone(Exception):
    """The region was killed before it answered."""


class Client:
    """Calls of S3 over a connection of its own."""

    #: Seconds after which a connection is not used again: the region closes one that is idle for half a minute, and then
    #: it may do so just when the next call is on its way. A machine that stops for a minute makes any connection idle.
    IDLE = 10

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.used = time.monotonic()

    def call(self, method, path, query=None, body=b"", headers=None):
        """Gives status, headers and body; `Gone` if the region went away."""
        target = urllib.parse.quote(path) + (f"?{urllib.parse.urlencode(query)}" if query else "")
        if time.monotonic() - self.used > self.IDLE:
            self.connection.close()
        try:
            self.connection.request(method, target, body, headers or {})
            answer = self.connection.getresponse()
            text = answer.read()
            self.used = time.monotonic()
            return answer.status, answer.headers, text
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Gone(f"{method} {target}: {error!r}") from error

    def sure(self, method, path, query=None, body=b"", headers=None, wanted=(200, 204)):
        """As `call`, and the answer must be a good one."""
        status, got, text = self.call(method, path, query, body, headers)
        assert status in wanted, f"{method} {path} {query}: {status} {text[:500]}"
        assert b"<Error>" not in text[:300], f"{method} {path} {query}: {text[:500]}"
        return got, text


def tags(text, name):
    return [found.decode() for found in re.findall(rb"<%s>([^<]*)</%s>" % (name.encode(), name.encode()), text)]


def md5_of(body):
    return b64encode(hashlib.md5(body).digest()).decode()


CUSTOMER_KEY = b"0123456789abcdef0123456789abcdef"
SSE_C = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": b64encode(CUSTOMER_KEY).decode(),
    "x-amz-server-side-encryption-customer-key-MD5": md5_of(CUSTOMER_KEY),
}


def bytes_of(seed, length):
    return random.Random(seed).randbytes(length)


def encryption_of(key):
    return SSE_C if "secret" in key else {}


@dataclass(frozen=True)
class Content:
    """The bytes that an object may have."""

    digest: str
    length: int
    #: How many blobs hold them.
    blobs: int

    @classmethod
    def of(cls, body, blobs=1):
        return cls(hashlib.sha256(body).hexdigest(), len(body), blobs if body else 0)


@dataclass
class Upload:
    """A multipart upload that was begun, and what parts of it were acknowledged."""

    key: str
    parts: dict = field(default_factory=dict)
    #: The number of a part that may be there, or may have its old bytes or its new ones.
    pending: tuple = ()
    #: Whether it may have ended: completed or aborted, but nobody was told.
    may_be_over: bool = False


@dataclass
class Model:
    """What one worker knows of its keys. `None` is an object that is not there."""

    objects: dict = field(default_factory=dict)
    #: What a key may have become by the call that was under way.
    pending: dict = field(default_factory=dict)
    uploads: dict = field(default_factory=dict)
    #: The key of an upload whose creation was under way.
    creating: str | None = None

    def may_be(self, key):
        return {self.objects.get(key), *([self.pending[key]] if key in self.pending else [])}


class Worker:
    """Puts, overwrites, copies, deletes and uploads in parts, one call at a time, until the region is gone."""

    SOURCE = "source/five-mebibytes"

    def __init__(self, number, bucket):
        self.bucket = bucket
        self.random = random.Random(f"{bucket}/{number}")
        self.keys = [f"w{number}/{index}" for index in range(10)] + [f"w{number}/secret{index}" for index in range(3)]
        self.model = Model()
        self.count = 0
        self.calls = 0

    def path(self, key):
        return f"/{self.bucket}/{key}"

    def body(self):
        """Some that share segments, some that are files, some that are empty."""
        self.count += 1
        longest = self.random.choice([0, 5_000, 20_000, 100_000, 131_072, 131_073, 400_000])
        length = longest if longest in (0, 131_072, 131_073) else self.random.randint(1, longest)
        return bytes_of(f"{self.path(self.keys[0])}{self.count}", length)

    def work(self, address, source):
        """Returns when the region is gone."""
        client = Client(address)
        steps = [self.put] * 8 + [self.delete] * 3 + [self.copy] * 2 + [self.delete_many]
        steps += [self.begin] * 2 + [self.part] * 5 + [self.complete] * 3 + [self.abort]
        try:
            while True:
                self.random.choice(steps)(client, source)
                self.calls += 1
        except Gone:
            pass

    def settle(self, key, content):
        self.model.objects[key] = content
        self.model.pending.pop(key, None)

    def put(self, client, _source):
        key, body = self.random.choice(self.keys), self.body()
        self.model.pending[key] = Content.of(body)
        client.sure("PUT", self.path(key), body=body, headers=encryption_of(key))
        self.settle(key, self.model.pending[key])

    def delete(self, client, _source):
        key = self.random.choice(self.keys)
        self.model.pending[key] = None
        client.sure("DELETE", self.path(key))
        self.settle(key, None)

    def delete_many(self, client, _source):
        keys = self.random.sample(self.keys, 4)
        self.model.pending.update(dict.fromkeys(keys))
        text = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
        body = f"<Delete>{text}</Delete>".encode()
        client.sure("POST", f"/{self.bucket}", {"delete": ""}, body, {"Content-MD5": md5_of(body)})
        for key in keys:
            self.settle(key, None)

    def copy(self, client, _source):
        there = [key for key, content in self.model.objects.items() if content and "secret" not in key]
        if not there:
            return
        source, key = self.random.choice(there), self.random.choice([key for key in self.keys if "secret" not in key])
        if source == key:
            return
        content = self.model.objects[source]
        self.model.pending[key] = Content(content.digest, content.length, min(content.blobs, 1))
        client.sure("PUT", self.path(key), headers={"x-amz-copy-source": self.path(source)})
        self.settle(key, self.model.pending[key])

    def begin(self, client, _source):
        if len(self.model.uploads) >= 4:
            return
        key = self.random.choice(self.keys)
        self.model.creating = key
        _, text = client.sure("POST", self.path(key), {"uploads": ""}, headers=encryption_of(key))
        self.model.creating = None
        [upload] = tags(text, "UploadId")
        self.model.uploads[upload] = Upload(key)

    def part(self, client, source):
        if not self.model.uploads:
            return
        name, upload = self.random.choice(sorted(self.model.uploads.items()))
        number = self.random.randint(1, 3)
        query = {"partNumber": number, "uploadId": name}
        # All but the last part of an object have five mebibytes: such a part is copied, as that costs us nothing.
        if number < 3 and self.random.random() < 0.5 and "secret" not in upload.key:
            upload.pending = (number, source)
            headers = {"x-amz-copy-source": f"/{self.bucket}/{self.SOURCE}"}
            _, text = client.sure("PUT", self.path(upload.key), query, headers=headers)
            [etag] = tags(text, "ETag")
            etag = etag.replace("&quot;", '"')
        else:
            body = self.body()
            upload.pending = (number, body)
            headers, _ = client.sure("PUT", self.path(upload.key), query, body, encryption_of(upload.key))
            etag = headers["ETag"]
        upload.parts[number] = (upload.pending[1], etag)
        upload.pending = ()

    def complete(self, client, _source):
        for name, upload in sorted(self.model.uploads.items()):
            numbers = sorted(upload.parts)
            while any(len(upload.parts[number][0]) < 5 << 20 for number in numbers[:-1]):
                numbers.pop()
            if numbers and not upload.pending:
                break
        else:
            return
        parts = [upload.parts[number] for number in numbers]
        body = b"".join(part for part, _ in parts)
        blobs = sum(1 for part, _ in parts if part)
        upload.may_be_over = True
        self.model.pending[upload.key] = Content.of(body, blobs)
        listed = zip(numbers, parts, strict=True)
        text = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, (_, etag) in listed
        )
        text = f"<CompleteMultipartUpload>{text}</CompleteMultipartUpload>".encode()
        client.sure("POST", self.path(upload.key), {"uploadId": name}, text, encryption_of(upload.key))
        del self.model.uploads[name]
        self.settle(upload.key, self.model.pending[upload.key])

    def abort(self, client, _source):
        if len(self.model.uploads) < 2:
            return
        name, upload = self.random.choice(sorted(self.model.uploads.items()))
        upload.may_be_over = True
        client.sure("DELETE", self.path(upload.key), {"uploadId": name})
        del self.model.uploads[name]

    def check(self, client):
        """Everything that was acknowledged is there, nothing else is, and what was not is there whole or not at all."""
        self.check_objects(client)
        self.check_uploads(client)

    def check_objects(self, client):
        prefix = self.keys[0].split("/")[0] + "/"
        _, text = client.sure("GET", f"/{self.bucket}", {"list-type": 2, "prefix": prefix})
        listed = dict(zip(tags(text, "Key"), map(int, tags(text, "Size")), strict=True))
        assert listed.keys() <= set(self.keys)
        for key in self.keys:
            may_be = self.model.may_be(key)
            status, headers, body = client.call("GET", self.path(key), headers=encryption_of(key))
            if status == 404:
                assert None in may_be, f"{key} is lost: {may_be}"
                found = None
            else:
                assert status == 200, f"{key}: {status} {body[:300]}"
                digest = hashlib.sha256(body).hexdigest()
                found = next((content for content in may_be if content and content.digest == digest), None)
                assert found, f"{key} has {len(body)} other bytes ({digest}), it may be {may_be}"
                assert int(headers["Content-Length"]) == found.length
            assert listed.get(key) == (found.length if found else None), f"{key} is listed as {listed.get(key)}"
            self.settle(key, found)

    def check_uploads(self, client):
        prefix = self.keys[0].split("/")[0] + "/"
        _, text = client.sure("GET", f"/{self.bucket}", {"uploads": "", "prefix": prefix})
        there = dict(zip(tags(text, "UploadId"), tags(text, "Key"), strict=True))
        for name, upload in list(self.model.uploads.items()):
            if name not in there:
                assert upload.may_be_over, f"the upload {name} of {upload.key} is lost"
                del self.model.uploads[name]
                continue
            # Neither completed nor aborted: as it was.
            upload.may_be_over = False
            self.check_parts(client, name, upload)
            del there[name]
        for name, key in there.items():
            assert key == self.model.creating, f"an upload of {key} that nobody began"
            self.model.uploads[name] = Upload(key)
        self.model.creating = None

    def check_parts(self, client, name, upload):
        _, text = client.sure("GET", self.path(upload.key), {"uploadId": name})
        etags = [etag.replace("&quot;", '"') for etag in tags(text, "ETag")]
        facts = zip(map(int, tags(text, "Size")), etags, strict=True)
        found = dict(zip(map(int, tags(text, "PartNumber")), facts, strict=True))
        wanted = {number: (len(body), etag) for number, (body, etag) in upload.parts.items()}
        if upload.pending:
            number, body = upload.pending
            if found.get(number) != wanted.get(number):
                assert found[number][0] == len(body), f"part {number} is {found[number]}"
                upload.parts[number] = (body, found[number][1])
                wanted[number] = found[number]
            upload.pending = ()
        assert found == wanted, f"parts of {name}"

    def blobs(self):
        """How many blobs what is there has."""
        objects = sum(content.blobs for content in self.model.objects.values() if content)
        return objects + sum(1 for upload in self.model.uploads.values() for body, _ in upload.parts.values() if body)
