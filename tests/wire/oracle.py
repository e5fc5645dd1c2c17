"""Makes and checks the golden files of crates/api/tests, with botocore as the oracle.

    cargo xtask codegen                                   # fetches the pinned botocore into .cache/
    python3 tests/wire/oracle.py make                     # requests and outputs for every listed operation
    UPDATE_GOLDEN=1 cargo test -p api --test oracle       # writes our answers to the outputs
    python3 tests/wire/oracle.py check                    # botocore must read our answers as the same outputs

`make` has botocore's own serializers write each request; the Rust test must decode it to the same parameters.
Values are random, from a fixed seed, so that a run that changes nothing writes the same files.
"""

import base64
import datetime
import gzip
import itertools
import json
import pathlib
import random
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = (ROOT / "crates/api/BOTOCORE_VERSION").read_text().strip()
sys.path.insert(0, str(ROOT / ".cache" / f"botocore-{VERSION}"))

import botocore.model  # noqa: E402
import botocore.parsers  # noqa: E402
import botocore.serialize  # noqa: E402

GOLDEN = ROOT / "crates/api/tests/golden"
TEXTS = ["x", "a b", "t3.micro", "ключ", "a&b<c>\"d'", "50%+1=51", "  inner  ", "z" * 70]
ASCII = ["x", "a b", "text/plain; charset=utf-8", "a&b<c>", "50%+1=51", "W/\"abc\""]
KEYS = ["k", "a/b//c", "ü/ +&?#%=", "dir/", "..", "a:b@c,d;e"]
MAX_DEPTH = 7
CASES = 3


def services():
    for path in sorted((ROOT / "crates/api/operations").glob("*.txt")):
        folder = pathlib.Path(botocore.__file__).parent / "data" / path.stem
        version = sorted(folder.iterdir())[-1]
        model = json.load(gzip.open(version / "service-2.json.gz"))
        names = {line.strip() for line in path.read_text().splitlines() if line.strip() and line[0] != "#"}
        # An operation once recorded stays recorded, so that lists may grow and shrink without us.
        names |= {line["operation"] for line in lines(path.stem, "requests")}
        yield path.stem, botocore.model.ServiceModel(model, path.stem), sorted(names)


def lines(service, kind):
    path = GOLDEN / f"{service}.{kind}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def readable(model):
    """The first of the service's protocols whose bodies are text, as the files are; foreign.py has CBOR."""
    protocols = model.metadata.get("protocols") or [model.metadata["protocol"]]
    return next(protocol for protocol in protocols if protocol != "smithy-rpc-v2-cbor")


def value(rng, shape, depth, texts=TEXTS):
    kind = shape.type_name
    if kind == "structure":
        members = structure(rng, shape, depth, 1.0 if depth == 0 else 0.5)
        # No form can tell an empty structure in a list from none at all.
        return members or structure(rng, shape, depth, 1.0)
    if kind == "list":
        if shape.serialization.get("location") == "header":
            return ["A", "B"]
        return [value(rng, shape.member, depth + 1, texts) for _ in range(rng.randint(1, 2))]
    if kind == "map":
        return {f"key-{n}": value(rng, shape.value, depth + 1, texts) for n in range(rng.randint(1, 2))}
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "integer":
        return rng.randint(-(2**31), 2**31 - 1)
    if kind == "long":
        return rng.randint(-(2**63), 2**63 - 1)
    if kind in ("float", "double"):
        return rng.randint(-4000, 4000) / 8
    if kind == "timestamp":
        return datetime.datetime.fromtimestamp(rng.randint(0, 2**31), datetime.timezone.utc)
    if kind == "blob":
        return bytes(rng.randrange(256) for _ in range(rng.randint(0, 9)))
    return rng.choice(texts)


def structure(rng, shape, depth, chance):
    members = {}
    if getattr(shape, "is_tagged_union", False):
        # Of a union there is exactly one member.
        name = rng.choice(list(shape.members))
        return {name: value(rng, shape.members[name], depth + 1)}
    for name, member in shape.members.items():
        if member.serialization.get("streaming"):
            continue
        if name not in shape.required_members and (depth > MAX_DEPTH or rng.random() > chance):
            continue
        location = member.serialization.get("location")
        if member.serialization.get("hostLabel"):
            members[name] = "123456789012"
        elif location == "uri":
            members[name] = rng.choice(KEYS) if name == "Key" else 7 if member.type_name == "integer" else "bucket-1"
        elif location != "statusCode":
            members[name] = value(rng, member, depth + 1, ASCII if location in ("header", "headers") else TEXTS)
    return members


def plain(tree):
    if isinstance(tree, dict):
        return {key: plain(inner) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [plain(inner) for inner in tree]
    if isinstance(tree, bytes):
        return base64.b64encode(tree).decode()
    if isinstance(tree, datetime.datetime):
        return tree.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return tree


def write(path, lines):
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    path.write_text(text)
    print(path.relative_to(ROOT), len(text))


def make():
    for service, model, names in services():
        requests, outputs = [], []
        serializer = botocore.serialize.create_serializer(readable(model), include_validation=False)
        for name, case in itertools.product(names, range(CASES)):
            operation = model.operation_model(name)
            rng = random.Random(f"{service}.{name}.{case}")
            params = value(rng, operation.input_shape, 0) if operation.input_shape else {}
            request = serializer.serialize_to_request(params, operation)
            body, headers = request["body"], {key: str(text) for key, text in request["headers"].items()}
            if isinstance(body, dict):
                body = urllib.parse.urlencode(body, quote_via=rng.choice([urllib.parse.quote, urllib.parse.quote_plus]))
            query = urllib.parse.urlencode(request["query_string"], doseq=True, quote_via=urllib.parse.quote)
            path, _, literal = request["url_path"].partition("?")
            requests.append({
                "operation": name,
                "case": case,
                "params": plain(params),
                "method": request["method"],
                "path": path,
                "query": "&".join(part for part in (literal, query) if part),
                "headers": headers,
                "body": body.decode() if isinstance(body, bytes) else body,
            })
            output = value(rng, operation.output_shape, 0) if operation.output_shape else {}
            outputs.append({"operation": name, "case": case, "output": plain(output)})
        write(GOLDEN / f"{service}.requests.jsonl", requests)
        write(GOLDEN / f"{service}.outputs.jsonl", outputs)


def check():
    wrong = 0
    for service, model, names in services():
        answers = {(line["operation"], line["case"]): line for line in lines(service, "responses")}
        parser = botocore.parsers.create_parser(readable(model))
        for expected in lines(service, "outputs"):
            operation = model.operation_model(expected["operation"])
            answer = answers.get((expected["operation"], expected["case"]))
            if answer is None:
                print("not implemented:", expected["operation"])
                continue
            headers = {}
            for header, text in answer["headers"]:
                headers[header] = text
            response = {"status_code": answer["status"], "headers": Lower(headers), "body": answer["body"].encode()}
            parsed = parser.parse(response, operation.output_shape)
            metadata = parsed.pop("ResponseMetadata")
            parsed.pop("Body", None)
            if expected["operation"] == "GetBucketLocation":
                # botocore reads this one in a handler, not in its parser.
                parsed["LocationConstraint"] = answer["body"].rsplit("</", 1)[0].rsplit(">", 1)[1].replace(
                    "&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
            if plain(parsed) != expected["output"] or metadata.get("RequestId") != "req-1":
                wrong += 1
                print(expected["operation"], json.dumps(diff(expected["output"], plain(parsed)), ensure_ascii=False, default=str), metadata)
    print("wrong:", wrong)
    return wrong


class Lower(dict):
    """Headers as botocore expects them: found in any case."""

    def __init__(self, pairs):
        super().__init__({key.lower(): text for key, text in pairs.items()})

    def __contains__(self, key):
        return super().__contains__(key.lower())

    def __getitem__(self, key):
        return super().__getitem__(key.lower())

    def get(self, key, default=None):
        return super().get(key.lower(), default)


def diff(left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        keys = left.keys() | right.keys()
        return {key: diff(left.get(key), right.get(key)) for key in sorted(keys) if left.get(key) != right.get(key)}
    return [left, right]


if __name__ == "__main__":
    sys.exit({"make": make, "check": check}[sys.argv[1]]() or 0)
