"""S3's objects with boto3 as it comes: versions, copies, tags, storage classes, what is refused and how."""

import uuid
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def bucket(region):
    """A bucket that is gone afterwards, with all versions in it."""
    name = f"test-{uuid.uuid4()}"
    s3 = region.client("s3")
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if entries:
            objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
            assert "Errors" not in s3.delete_objects(Bucket=name, Delete={"Objects": objects})
    s3.delete_bucket(Bucket=name)


def refused(call, **arguments):
    """Code, status and headers of the refusal."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["ResponseMetadata"]["HTTPHeaders"]


def enable(s3, bucket, status="Enabled"):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def test_versions_come_and_go(region, bucket):
    s3 = region.client("s3")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"null")
    enable(s3, bucket)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=str(n).encode())["VersionId"] for n in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    code, status, headers = refused(s3.get_object, Bucket=bucket, Key="k")
    assert (code, status, headers["x-amz-delete-marker"]) == ("NoSuchKey", 404, "true")
    assert headers["x-amz-version-id"] == marker["VersionId"]
    code, status, headers = refused(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert (code, status, headers["allow"]) == ("MethodNotAllowed", 405, "DELETE") and headers["last-modified"]
    assert refused(s3.head_object, Bucket=bucket, Key="k")[:2] == ("404", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="A" * 32)[:2] == ("NoSuchVersion", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="nonsense")[:2] == ("InvalidArgument", 400)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Versions"]] == ids[::-1] + ["null"]
    assert [entry["IsLatest"] for entry in listed["DeleteMarkers"]] == [True]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"null"
    # Without the marker the newest object is back.
    gone = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert gone["DeleteMarker"] is True and gone["VersionId"] == marker["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == ids[2]
    enable(s3, bucket, "Suspended")
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"suspended")
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 4


def test_versions_and_delete_markers_are_one_sequence(region, bucket):
    """Clients that read one stream, such as minio-go and version 1 of the Java SDK, take their order from it."""
    s3 = region.client("s3")
    enable(s3, bucket)
    bodies = []
    s3.meta.events.register("before-parse.s3.ListObjectVersions", lambda response_dict, **_: bodies.append(response_dict["body"]))
    written = []
    for _ in range(2):
        written.append(("Version", s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]))
        written.append(("DeleteMarker", s3.delete_object(Bucket=bucket, Key="k")["VersionId"]))
    last = s3.put_object(Bucket=bucket, Key="l", Body=b"x")["VersionId"]
    s3.list_object_versions(Bucket=bucket)
    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    entries = [entry for entry in ElementTree.fromstring(bodies[0]) if entry.find(f"{space}VersionId") is not None]
    seen = [(entry.tag.removeprefix(space), entry.findtext(f"{space}VersionId")) for entry in entries]
    assert seen == written[::-1] + [("Version", last)]


def test_one_call_deletes_a_key_several_times(region, bucket):
    s3 = region.client("s3")
    enable(s3, bucket)
    ids = [s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"] for _ in range(3)]
    objects = [{"Key": "k", "VersionId": ids[2]}, {"Key": "k"}, {"Key": "k", "VersionId": ids[1]}, {"Key": "k"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [entry.get("DeleteMarker") for entry in answer["Deleted"]] == [None, True, None, True]
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Versions"]] == [ids[0]] and len(listed["DeleteMarkers"]) == 2
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": "x"}], "Quiet": True})
    assert answer["Errors"][0]["Code"] == "NoSuchVersion" and "Deleted" not in answer


def test_pages_of_versions_and_prefixes(region, bucket):
    s3 = region.client("s3")
    enable(s3, bucket)
    for key in ["a", "d/1", "d/2", "e f", "ü"]:
        for _ in range(2):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3}))
    found = [(entry["Key"], entry["IsLatest"]) for page in pages for entry in page["Versions"]]
    assert found == [(key, is_latest) for key in ["a", "d/1", "d/2", "e f", "ü"] for is_latest in (True, False)]
    listed = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=3)
    assert [entry["Prefix"] for entry in listed["CommonPrefixes"]] == ["d/"] and listed["NextKeyMarker"] == "d/"
    rest = s3.list_object_versions(Bucket=bucket, Delimiter="/", KeyMarker="d/")
    assert {entry["Key"] for entry in rest["Versions"]} == {"e f", "ü"} and "CommonPrefixes" not in rest
    assert refused(s3.list_object_versions, Bucket=bucket, VersionIdMarker="null")[0] == "InvalidArgument"


def test_copies(region, bucket):
    s3 = region.client("s3")
    metadata = {"colour": "blue"}
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"body", Metadata=metadata, ContentType="x/y", Tagging="t=1&u=2")
    source = {"Bucket": bucket, "Key": "a b/ü"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["Body"].read() == b"body" and got["Metadata"] == metadata and got["ContentType"] == "x/y"
    assert got["TagCount"] == 2 and got["ETag"] == copied["CopyObjectResult"]["ETag"]
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=f"{bucket}/copy", MetadataDirective="REPLACE", Metadata={"size": "xl"}
    )
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert head["Metadata"] == {"size": "xl"} and head["ContentType"] == "binary/octet-stream"
    itself = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/copy"}
    assert refused(s3.copy_object, **itself)[:2] == ("InvalidRequest", 400)
    stale = {"Bucket": bucket, "Key": "new", "CopySource": source, "CopySourceIfMatch": '"stale"'}
    assert refused(s3.copy_object, **stale)[:2] == ("PreconditionFailed", 412)
    enable(s3, bucket)
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    back = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": old})
    assert back["CopySourceVersionId"] == old and s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    # The managed copy asks HEAD first.
    s3.copy(source, bucket, "managed")
    assert s3.get_object(Bucket=bucket, Key="managed")["Body"].read() == b"body"


def test_tags_and_attributes(region, bucket):
    s3 = region.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"body", ChecksumAlgorithm="SHA256")
    tags = [{"Key": "colour", "Value": "blue"}, {"Key": "size", "Value": ""}]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    twice = {"TagSet": [tags[0], tags[0]]}
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=twice)[0] == "InvalidTag"
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    asked = ["ETag", "Checksum", "StorageClass", "ObjectSize"]
    found = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=asked)
    assert found["ObjectSize"] == 4 and found["StorageClass"] == "STANDARD" and '"' not in found["ETag"]
    assert found["Checksum"]["ChecksumType"] == "FULL_OBJECT" and found["Checksum"]["ChecksumSHA256"]


def test_storage_classes_and_archives(region, bucket):
    s3 = region.client("s3")
    s3.put_object(Bucket=bucket, Key="warm", Body=b"x", StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="warm")["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=bucket, Key="usual", Body=b"x", StorageClass="STANDARD")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="usual")
    assert refused(s3.put_object, Bucket=bucket, Key="k", StorageClass="COLD")[0] == "InvalidStorageClass"
    s3.put_object(Bucket=bucket, Key="cold", Body=b"x", StorageClass="GLACIER")
    assert refused(s3.get_object, Bucket=bucket, Key="cold")[:2] == ("InvalidObjectState", 403)
    s3.restore_object(Bucket=bucket, Key="cold", RestoreRequest={"Days": 1, "GlacierJobParameters": {"Tier": "Standard"}})
    got = s3.get_object(Bucket=bucket, Key="cold")
    assert got["Body"].read() == b"x" and 'ongoing-request="false"' in got["Restore"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="cold", OptionalObjectAttributes=["RestoreStatus"])
    assert listed["Contents"][0]["RestoreStatus"]["IsRestoreInProgress"] is False


def test_conditional_writes_and_deletes(region, bucket):
    s3 = region.client("s3")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")[:2] == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"x"')[:2] == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="absent", Body=b"2", IfMatch='"x"')[:2] == ("NoSuchKey", 404)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch='"x"')[:2] == ("NotImplemented", 501)
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)["ETag"]
    assert refused(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first)[:2] == ("PreconditionFailed", 412)
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)
    assert refused(s3.head_object, Bucket=bucket, Key="k")[1] == 404


def test_a_part_of_an_object_put_in_one(region, bucket):
    s3 = region.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206 and part["ContentRange"] == "bytes 0-3/4"
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=2)[:2] == ("InvalidPartNumber", 416)
