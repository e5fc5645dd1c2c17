"""botocore's side of the differential test `crates/api/tests/foreign.rs`, over a whole model in one protocol.

    foreign.py SERVICE PROTOCOL [CASES]

Writes lines of JSON to the standard output: first the model, then for each operation and case the request that botocore
makes of random parameters, the parameters, and a random output; then each modelled error. A line `null` ends them. Then
it reads the answers that we make of those outputs and errors, has botocore parse them, and names every difference.
Values are random, from a fixed seed. What no client can send is not asked for: values that a header or a path can't hold,
empty structures and lists in forms.
"""

import base64
import datetime
import gzip
import itertools
import json
import random
import sys
import urllib.parse

import oracle
from botocore.eventstream import EventStream
from oracle import ASCII, ROOT, TEXTS, Lower, botocore

MAX_DEPTH = 5
LABELS = ["x", "a b", "arn:aws:iam::123456789012:role/a", "ü+&?#%=", "1.2-3_4~5"]
# What the metadata calls a protocol, for `create_serializer` and for the model when it names several.
FORMS = ("query", "ec2")


def load(service, protocol):
    path = ROOT / "tests/wire/models" / f"{service}-{protocol}.json"
    if path.exists():
        model = json.loads(path.read_text())
    else:
        folder = oracle.pathlib.Path(botocore.__file__).parent / "data" / service
        versions = [version for version in sorted(folder.iterdir()) if version.is_dir()]
        packed = versions[-1] / "service-2.json.gz"
        model = json.load(gzip.open(packed)) if packed.exists() else json.loads((versions[-1] / "service-2.json").read_text())
    model["metadata"]["protocol"] = protocol
    strip(model)
    return model


def strip(model):
    """Without the documentation, which is most of a model."""
    for key in [key for key in model if key == "documentation" and isinstance(model[key], str)]:
        del model[key]
    for inner in model.values():
        if isinstance(inner, dict):
            strip(inner)


class Maker:
    """Makes random values of shapes; none where there is nothing that the protocol can express."""

    def __init__(self, rng, protocol, is_output):
        self.rng, self.protocol, self.is_output = rng, protocol, is_output

    def value(self, shape, depth, place=None, format=None):
        kind, rng = shape.type_name, self.rng
        if kind == "structure":
            return self.document() if shape.is_document_type else self.structure(shape, depth)
        if kind == "list":
            items = [self.value(shape.member, depth + 1, place) for _ in range(rng.randint(1, 2))]
            return None if None in items else items
        if kind == "map":
            key = "key-%d" if place else rng.choice(["key-%d", "k %d", "ключ<%d>"])
            pairs = {key % n: self.value(shape.value, depth + 1, place) for n in range(rng.randint(1, 2))}
            return None if None in pairs.values() else pairs
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "integer":
            return rng.randint(-(2**31), 2**31 - 1)
        if kind == "long":
            return rng.randint(-(2**63), 2**63 - 1)
        if kind in ("float", "double"):
            return rng.randint(-4000, 4000) / 8
        if kind == "timestamp":
            format = format or shape.serialization.get("timestampFormat")
            # botocore writes whole seconds, and a header's date has no more.
            fine = self.is_output and place is None and format != "rfc822"
            return datetime.datetime.fromtimestamp(rng.randint(0, 2**31), datetime.timezone.utc) + datetime.timedelta(
                milliseconds=rng.choice([0, 0, 125, 999]) if fine else 0)
        if kind == "blob":
            # botocore takes a whole body for text.
            top = 128 if place == "payload" and self.is_output else 256
            return bytes(rng.randrange(top) for _ in range(rng.randint(1 if place == "payload" else 0, 9)))
        if place == "uri":
            return rng.choice(LABELS)
        return rng.choice(ASCII if place in ("header", "headers") else TEXTS)

    def document(self):
        return self.rng.choice([{"a": [1, 2.5, None, True, {"b": "ü"}]}, "text", 7, [], {"k": {}}])

    def structure(self, shape, depth):
        members, chance = {}, 1.0 if depth == 0 else 0.5
        names = list(shape.members)
        if getattr(shape, "is_tagged_union", False):
            self.rng.shuffle(names)
            found = ((name, self.member(shape, name, depth)) for name in names)
            return next(({name: value} for name, value in found if value is not None), None)
        for name in names:
            if name not in shape.required_members and (depth > MAX_DEPTH or self.rng.random() > chance):
                continue
            value = self.member(shape, name, depth)
            if value is not None:
                members[name] = value
        if members or depth == 0 or self.protocol not in FORMS + ("rest-xml",):
            return members
        # Neither a form nor XML tells an empty structure from none.
        names.sort(key=lambda name: shape.members[name].type_name in ("structure", "list", "map"))
        found = ((name, self.member(shape, name, depth)) for name in names if depth < MAX_DEPTH + 4)
        return next(({name: value} for name, value in found if value is not None), None)

    def member(self, shape, name, depth):
        member = shape.members[name]
        if member.serialization.get("streaming") or member.serialization.get("eventstream") or is_events(member):
            return None
        place = member.serialization.get("location")
        if shape.serialization.get("payload") == name:
            place = "payload"
        if member.serialization.get("hostLabel"):
            return "123456789012"
        if place == "statusCode":
            return 202 if self.is_output else None
        if member.serialization.get("jsonvalue") and place:
            return None
        return self.value(member, depth + 1, place, member.serialization.get("timestampFormat"))


def is_events(shape):
    return shape.type_name == "structure" and getattr(shape, "is_eventstream", False) or shape.serialization.get("eventstream")


def plain(tree):
    if isinstance(tree, dict):
        return {key: plain(inner) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [plain(inner) for inner in tree]
    if isinstance(tree, (bytes, bytearray)):
        return base64.b64encode(tree).decode()
    if isinstance(tree, datetime.datetime):
        return tree.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(tree, float) and tree == int(tree):
        return int(tree)
    return tree


def request_of(serializer, operation, params, rng):
    request = serializer.serialize_to_request(params, operation)
    body = request["body"]
    headers = {key: text.decode() if isinstance(text, bytes) else str(text) for key, text in request["headers"].items()}
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body, quote_via=rng.choice([urllib.parse.quote, urllib.parse.quote_plus]))
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    query = request["query_string"]
    query = query if isinstance(query, str) else urllib.parse.urlencode(query, doseq=True, quote_via=urllib.parse.quote)
    path, _, literal = request["url_path"].partition("?")
    return {
        "method": request["method"], "path": path, "query": "&".join(part for part in (literal, query) if part),
        "headers": headers, "host": request.get("host_prefix", ""), "body": base64.b64encode(body).decode(),
    }


def say(line):
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def errors_of(model):
    names = sorted({shape.name for name in model.operation_names for shape in model.operation_model(name).error_shapes})
    return [model.shape_for(name) for name in names]


def run(service, protocol, cases):
    raw = load(service, protocol)
    model = botocore.model.ServiceModel(raw, service)
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    say(raw)
    expected = {}
    for name, case in itertools.product(model.operation_names, range(cases)):
        operation = model.operation_model(name)
        rng = random.Random(f"{service}.{name}.{case}")
        params = Maker(rng, protocol, False).structure(operation.input_shape, 0) if operation.input_shape else {}
        output = Maker(rng, protocol, True).structure(operation.output_shape, 0) if operation.output_shape else {}
        expected[name, case] = plain(output)
        say({"operation": name, "case": case, "request": request_of(serializer, operation, params, rng),
             "params": plain(params), "output": expected[name, case]})
    for shape in errors_of(model):
        rng = random.Random(f"{service}.{shape.name}")
        members = {name: Maker(rng, protocol, True).value(member, 1, member.serialization.get("location"))
                   for name, member in shape.members.items()
                   if name.lower() not in ("message", "code", "type")
                   and member.serialization.get("name", "").lower() != "x-amzn-errortype" and member.type_name not in ("list", "map", "structure")}
        expected[shape.name] = plain(members)
        say({"error": shape.name, "message": "a <message> with ü", "members": expected[shape.name]})
    for name, stream in event_streams(model):
        for event, shape in stream.members.items():
            if shape.metadata.get("exception"):
                continue
            rng = random.Random(f"{service}.{name}.{event}")
            expected[name, event] = plain(Maker(rng, protocol, True).structure(shape, 0))
            say({"stream": name, "event": event, "members": expected[name, event]})
    say(None)
    sys.stdout.flush()
    wrong, parser, count = [], botocore.parsers.create_parser(protocol), 0
    for line in map(json.loads, sys.stdin):
        response = {"status_code": line["status"], "headers": Lower(dict(line["headers"])),
                    "body": base64.b64decode(line["body"])}
        count += 1
        try:
            if "error" in line:
                check_error(model, parser, line, response, expected)
            elif "stream" in line:
                check_event(model, parser, line, response, expected)
            else:
                check(service, model, parser, line, response, expected)
        except Exception as error:  # noqa: BLE001 - whatever botocore makes of our bytes is a finding
            wrong.append([line.get("operation") or line.get("error") or line["stream"], line.get("case"), repr(error)[:1500], line["body"] and base64.b64decode(line["body"])[:300].decode(errors="replace")])
    for found in wrong[:20]:
        print(*found, file=sys.stderr)
    if wrong or count != len(expected):
        sys.exit(f"{len(wrong)} of {count} answers wrong, {len(expected)} expected")


def check(service, model, parser, line, response, expected):
    shape = model.operation_model(line["operation"]).output_shape
    body_is_stream = shape is not None and any(
        member.serialization.get("streaming") or is_events(member) for member in shape.members.values())
    if body_is_stream:
        stream = next(name for name, member in shape.members.items()
                      if member.serialization.get("streaming") or is_events(member))
        if is_events(shape.members[stream]):
            return
    if (service, line["operation"]) == ("s3", "GetBucketNotification"):
        return  # Two of its members have elements of one name, and botocore gives XML for one of them.
    parsed = parser.parse(response, shape)
    metadata = parsed.pop("ResponseMetadata")
    if shape is None and model.metadata["protocol"] == "smithy-rpc-v2-cbor":
        # botocore reads nothing at all of such an answer.
        metadata = {"RequestId": response["headers"]["x-amzn-requestid"]}
    if body_is_stream:
        parsed.pop(stream, None)
    wanted = expected[line["operation"], line["case"]]
    payload = shape and shape.serialization.get("payload")
    if payload in parsed and shape.members[payload].type_name == "blob":
        parsed[payload] = parsed[payload].encode()
    if (service, line["operation"]) == ("s3", "GetBucketLocation"):
        # botocore reads this one in a handler, not in its parser.
        text = response["body"].decode().rsplit("</", 1)[0].rsplit(">", 1)[1]
        parsed["LocationConstraint"] = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert plain(parsed) == wanted, json.dumps(oracle.diff(wanted, plain(parsed)), ensure_ascii=False)
    assert metadata["RequestId"] == "req-1", metadata


def event_streams(model):
    for name in model.operation_names:
        shape = model.operation_model(name).output_shape
        if shape is not None and shape.event_stream_name:
            yield name, shape.members[shape.event_stream_name]


class Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body):
        self.body = body

    def stream(self):
        yield self.body


def check_event(model, parser, line, response, expected):
    stream = dict(event_streams(model))[line["stream"]]
    [event] = EventStream(Raw(response["body"]), stream, parser._event_stream_parser, line["stream"])
    wanted = {line["event"]: expected[line["stream"], line["event"]]}
    assert plain(event) == wanted, json.dumps(oracle.diff(wanted, plain(event)))


def check_error(model, parser, line, response, expected):
    shape = model.shape_for(line["error"])
    parsed = parser.parse(response, None)
    code, status = shape.error_code, shape.metadata.get("error", {}).get("httpStatusCode")
    assert parsed["Error"]["Code"] == line.get("code", code), parsed
    assert parsed["Error"]["Message"] == "a <message> with ü", parsed
    assert parsed["ResponseMetadata"]["RequestId"] == "req-1", parsed
    assert status is None or parsed["ResponseMetadata"]["HTTPStatusCode"] == status, parsed
    members = plain(parser.parse(response, shape))
    found = {name: members.get(name) for name in expected[line["error"]]}
    assert found == expected[line["error"]], json.dumps(oracle.diff(expected[line["error"]], found))


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 2)
