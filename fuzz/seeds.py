"""Writes the inputs that every search begins with into fuzz/corpus: what real clients send (botocore's serialisations,
from crates/api/tests/golden), and one sound input for each target that no client speaks to.

    python3 fuzz/seeds.py
"""

import gzip
import json
import pathlib
import re
import struct

ROOT = pathlib.Path(__file__).parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
GOLDEN = ROOT / "crates" / "api" / "tests" / "golden"
SIGNED = (
    "Host: localhost:4566\nX-Amz-Date: 20261121T080000Z\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/s3/aws4_request, "
    "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + "0" * 64 + "\n"
)


def seed(target: str, name: str, data: bytes | str) -> None:
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data.encode() if isinstance(data, str) else data)


def requests(service: str):
    """One request of each operation: the longest, which has the most in it, up to two kilobytes."""
    best: dict[str, dict] = {}
    for line in (GOLDEN / f"{service}.requests.jsonl").read_text().splitlines():
        request = json.loads(line)
        known = best.get(request["operation"])
        if len(line) < 4000 and (known is None or len(line) > len(json.dumps(known))):
            best[request["operation"]] = request
    return best


def clients() -> None:
    for name, request in requests("ec2").items():
        body = re.sub(r"^Action=[^&]*&Version=[^&]*&?", "", request["body"])
        seed("ec2-form", name, f"{name}\n{body}")
    for name, request in requests("s3").items():
        target = request["path"] + ("?" + request["query"] if request["query"] else "")
        headers = "".join(f"{key}: {value}\n" for key, value in request["headers"].items())
        text = f"{request['method']} {target}\n{headers}\n{request['body']}"
        seed("s3-request", name, text)
        if len(text) < 600:
            seed("sigv4-claim", name, f"{request['method']} {target}\n{SIGNED}{headers}\n")
            seed("sigv4-request", name, b"\0" + text.encode())
            seed("sigv4-presigned", name, b"\0" + text.encode())
            seed("sigv2", name, text)


def forms() -> None:
    seed(
        "query-form",
        "everything",
        "Names.member.1=a&Names.member.2=b&Named.Item.1=5&FlatName.1=x&Counts.entry.1.key=a&Counts.entry.1.value=7"
        "&Attribute.1.Name=n&Attribute.1.Value=v&Choice.Left=l&Data=aGk%3D&Flag=true&Ratio=0.25&Float=NaN"
        "&When=2026-11-21T08%3A00%3A00Z&Second=1795248000.5&Grantee.ID=i&Grantee.Type=t&Trees.member.1.Leaf=a"
        "&Trees.member.1.Branches.member.1.Leaf=b",
    )
    seed("query-form", "empty", "Names=&Counts=&FlatName=&Trees=")
    seed(
        "xml",
        "everything",
        '<?xml version="1.0" encoding="UTF-8"?><Everything xmlns="urn:hostile"><Names><member>a</member></Names><Named>'
        "<Item>5</Item></Named><FlatName>x</FlatName><FlatName>&#x20;&amp;</FlatName><Counts><entry><key>a</key><value>7"
        "</value></entry></Counts><Attribute><Name>n</Name><Value>v</Value></Attribute><Choice><Left><![CDATA[<l>]]>"
        "</Left></Choice><Data>aGk=</Data><Flag>true</Flag><Ratio>0.25</Ratio><Float>-Infinity</Float><When>2026-11-21"
        "T08:00:00Z</When><Second>1795248000.5</Second><Grantee xsi:type='CanonicalUser'><ID>i</ID></Grantee><Trees>"
        "<member><Leaf>a</Leaf><Branches><member/></Branches></member></Trees></Everything>",
    )
    seed("percent", "query", "list-type=2&prefix=a%2Fb+c&delimiter&%E2%82%AC=%00")
    texts = ["true", "-5", "9223372036854775807", "1e-3", "aGk=", "2026-11-21T08:00:00.5+01:00"]
    texts += ["Sat, 21 Nov 2026 08:09:10 GMT", "1795248550.5", "a, b"]
    for kind, text in enumerate(texts):
        seed("scalar", str(kind), bytes([kind]) + text.encode())


def documents() -> None:
    tree = {
        "Names": ["a", None],
        "Counts": {"a": 7},
        "Choice": {"Left": "l"},
        "Flag": True,
        "Ratio": 0.25,
        "Float": "NaN",
        "When": 1795248000.5,
        "Grantee": {"ID": "i"},
        "Trees": [{"Leaf": "\u00fc", "Branches": [{}]}],
        "Document": {"any": [1, None, {"x": 1e3}]},
        "Unknown": [],
    }
    text = json.dumps({**tree, "Data": "aGk="})
    seed("json", "everything", text)
    seed("rest-json", "everything", text)
    seed("cbor", "everything", cbor({**tree, "Float": 0.5, "Data": b"hi"}))
    # The same in pieces of no length given before.
    seed("cbor", "indefinite", b"\xbf\x65Names\x9f\x7f\x61a\x61b\xff\xff\x64When\xc1\xfb" + struct.pack(">d", 1e9) + b"\xff")
    for name, head in {
        "json": "X-Amz-Target: Hostile.DoEverything\nContent-Type: application/x-amz-json-1.1\n",
        "cbor": "Smithy-Protocol: rpc-v2-cbor\n",
        "form": "Content-Type: application/x-www-form-urlencoded\n",
    }.items():
        seed("protocol", name, f"POST /service/Hostile/operation/DoEverything\n{head}\n")
    seed("protocol", "query", "GET /?Action=DoEverything&Version=2026-11-21\n\n")


def cbor(value) -> bytes:
    def head(kind: int, length: int) -> bytes:
        return bytes([kind << 5 | length]) if length < 24 else bytes([kind << 5 | 24, length])

    match value:
        case None | bool():
            return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
        case int():
            return head(0, value)
        case float():
            return b"\xfb" + struct.pack(">d", value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case list():
            return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(inner) for key, inner in value.items())


def frames() -> None:
    def header(name: str, kind: int, value: bytes) -> bytes:
        return bytes([len(name)]) + name.encode() + bytes([kind]) + value

    def text(name: str, value: str) -> bytes:
        return header(name, 7, struct.pack(">H", len(value)) + value.encode())

    headers = text(":event-type", "Choice") + text(":message-type", "event") + text(":content-type", "application/json")
    seed("event-message", "event", bytes([1, len(headers)]) + headers + b'{"Left":"l"}')
    headers = header("a", 0, b"") + header("b", 4, bytes(4)) + header("c", 8, bytes(8)) + header("d", 9, bytes(16))
    seed("event-message", "types", bytes([1, len(headers)]) + headers)
    disposition = 'Content-Disposition: form-data; name="'
    form = f'--XX\r\n{disposition}key"\r\n\r\na/${{filename}}\r\n--XX\r\nContent-Type: image/png\r\n'
    form += f'{disposition}file"; filename="a b.png"\r\n\r\n\r\n-\r\n--X\r\n--XX--\r\n'
    seed("multipart", "form", "\x03multipart/form-data; boundary=XX\n" + form)


def uploads() -> None:
    unsigned = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    seed("aws-chunked", "unsigned", b"\0\x03" + unsigned)
    signature = "0" * 64
    signed = f"5;chunk-signature={signature}\r\nhello\r\n0;chunk-signature={signature}\r\n\r\n"
    seed("aws-chunked", "signed", b"\1\x40" + signed.encode())
    seed("aws-chunked", "signed-trailer", b"\2\x40" + signed.encode())
    for framing in range(2):
        seed("aws-chunked-signed", str(framing), bytes([framing, 63, 0, 90, 1, 0, 3]) + b"hello, world")


def guests() -> None:
    bootp = struct.pack(">BBBBIHH", 1, 1, 6, 0, 7, 0, 0x8000) + bytes(16) + bytes([2, 0, 0, 0, 0, 10]) + bytes(10 + 192)
    for kind, options in [(1, b""), (3, bytes([50, 4, 172, 31, 0, 10, 54, 4, 172, 31, 0, 1])), (8, b"")]:
        seed("dhcp", str(kind), bootp + bytes([99, 130, 83, 99, 53, 1, kind]) + options + b"\xff")
    for name in ["ip-172-31-0-10.ec2.internal", "10.0.31.172.in-addr.arpa", "example.com"]:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        kind = 12 if name.endswith("arpa") else 1
        seed("dns", name.split(".")[0], struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1))
    seed("metadata", "token", b"\x02PUT\n/latest/api/token\n\n21600\n")
    seed("metadata", "leaf", b"\x01GET\n/latest/meta-data/local-ipv4\n\n\n")
    seed("metadata", "user-data", b"\x05GET\n/2021-01-03/user-data\nAAAA\n\n")


def rest() -> None:
    tables = ["iam.access-key", "iam.account", "s3.bucket", "s3.object", "s3.blob-ref", "s3.garbage"]
    for number, table in enumerate(tables):
        for path in ROOT.glob(f"crates/*/tests/shapes/{table}.v*.json"):
            version = int(re.search(r"\.v(\d+)\.json$", path.name)[1])
            text = path.read_text()
            row = text if text.startswith('{"v":') else f'{{"v":{version},"r":{text.strip()}}}'
            seed("record", path.stem, bytes([number]) + row.encode())
    tables = [
        "image", "instance", "key-pair", "private-address", "public-address", "subnet", "vpc", "security-group", "tag",
    ]
    for number, table in enumerate(tables):
        for path in ROOT.glob(f"crates/ec2/tests/shapes/ec2.{table}.v*.json"):
            version = int(re.search(r"\.v(\d+)\.json$", path.name)[1])
            text = path.read_text()
            row = text if text.startswith('{"v":') else f'{{"v":{version},"r":{text.strip()}}}'
            seed("ec2-record", path.stem, bytes([number]) + row.encode())
    seed("blob-file", "flip", bytes([0, 1, 0, 1]))
    seed("blob-file", "end", bytes([0x80, 0xFF, 0, 0]))
    # A flip in the head, the table and an extent, and an end within each; in a store that is open, and in one that has crashed.
    for anew in range(2):
        for name, place in [("head", 0), ("table", 5), ("extents", 4003)]:
            flip, end = place.to_bytes(3), (place | 0x80_0000).to_bytes(3)
            seed("segment-file", f"{anew}-{name}-flip", bytes([anew]) + flip + b"\x01")
            seed("segment-file", f"{anew}-{name}-end", bytes([anew]) + end + b"\0")
        seed("segment-file", f"{anew}-sound", bytes([anew]))


def policies() -> None:
    request = "s3:GetObject\narn:aws:s3:::b/bob/k\naws:username=bob;k=a,b;aws:SourceIp=10.1.2.3;n=7;aws:CurrentTime=2026-11-21T08:00:00Z\n"
    own = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:sqs:us-*-1:*:b?"]}
    conditions = {
        "ForAnyValue:StringLike": {"k": ["a*", "${aws:username}", "${none, 'x'}", "${*}"]},
        "ForAllValues:StringNotEqualsIgnoreCase": {"K": "c"},
        "NumericLessThanEquals": {"n": 7},
        "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00.5+01:00"},
        "NotIpAddressIfExists": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]},
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/?*"},
        "BinaryEquals": {"bytes": "aGk="},
        "Bool": {"aws:SecureTransport": True},
        "Null": {"aws:TokenIssueTime": "true"},
    }
    principal = {"AWS": ["*", "123456789012"], "Service": "ec2.amazonaws.com", "Federated": "p", "CanonicalUser": "ab"}
    not_bob = {"Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:user/bob"}, "NotAction": "iam:?et*", "NotResource": "*"}
    trust = {"Sid": "", "Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    for name, kind, statements in [
        ("identity", 0, [own, {**own, "Sid": "a", "Condition": conditions}]),
        ("resource", 1, [{**own, "Principal": principal}, not_bob]),
        ("trust", 2, trust),
        ("service-control", 3, {"Effect": "Allow", "NotAction": ["ec2:*"], "Resource": "*"}),
    ]:
        document = json.dumps({"Version": "2012-10-17", "Id": "i\u00e9", "Statement": statements}, indent=1 if kind else None)
        seed("policy", name, bytes([kind]) + request.encode() + document.encode())
    old = json.dumps({"Version": "2008-10-17", "Statement": {**own, "Principal": "*"}})
    seed("policy", "2008", b"\1" + request.encode() + old.encode())


def bodies() -> None:
    for name, body in [("text", b"Action=PutMetricData" * 9), ("empty", b""), ("zeros", bytes(70_000))]:
        seed("gzip", name, gzip.compress(body, mtime=0))
    seed("gzip", "two", gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0))
    policy = {
        "expiration": "2027-01-01T00:00:00Z",
        "conditions": [
            {"bucket": "bucket"},
            ["starts-with", "$key", "user/"],
            {"acl": "public-read"},
            ["starts-with", "$Content-Type", "image/"],
            ["content-length-range", 1, 1048576],
            ["eq", "$x-amz-meta-uuid", 14365123651274],
        ],
    }
    fields = "key=user/a\nacl=public-read\nContent-Type=image/png\nx-amz-meta-uuid=14365123651274\nx-ignore-me=1\n\n"
    seed("post-policy", "allowed", fields + json.dumps(policy))
    seed("post-policy", "refused", "key=other\n\n" + json.dumps(policy))


if __name__ == "__main__":
    bodies()
    clients()
    forms()
    documents()
    frames()
    uploads()
    guests()
    rest()
    policies()
