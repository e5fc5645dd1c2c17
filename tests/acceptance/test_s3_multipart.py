"""S3 multipart uploads with boto3, its transfer manager and the AWS CLI: checksums as clients send them, both ways."""

import base64
import hashlib
import os
import uuid
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

MIB = 1 << 20


@pytest.fixture(scope="module")
def bucket(region):
    """A bucket that goes with its region."""
    name = f"test-{uuid.uuid4()}"
    region.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def body():
    return os.urandom(5 * MIB)


def refused(code, status, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return error["Error"]


def test_the_transfer_manager_moves_a_large_file_there_and_back(region, bucket, tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(22 * MIB + 7))
    s3 = region.client("s3")
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    extra = {"Metadata": {"colour": "blue"}, "ContentType": "x/y"}
    s3.upload_file(str(there), bucket, "a/large file", Config=config, ExtraArgs=extra)
    head = s3.head_object(Bucket=bucket, Key="a/large file")
    assert head["ETag"].endswith('-5"') and head["Metadata"] == {"colour": "blue"} and head["ContentType"] == "x/y"
    s3.download_file(bucket, "a/large file", str(back), Config=config)
    assert there.read_bytes() == back.read_bytes()
    # Server-side, in parts.
    s3.copy({"Bucket": bucket, "Key": "a/large file"}, bucket, "copy", Config=config)
    copied = s3.get_object(Bucket=bucket, Key="copy")["Body"].read()
    assert hashlib.md5(copied).digest() == hashlib.md5(there.read_bytes()).digest()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_command_line_moves_a_large_file_there_and_back(region, bucket, tmp_path, algorithm):
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(17 * MIB))
    region.aws("s3", "cp", there, f"s3://{bucket}/cli/{algorithm}", "--checksum-algorithm", algorithm)
    region.aws("s3", "cp", f"s3://{bucket}/cli/{algorithm}", back, "--checksum-mode", "ENABLED")
    assert there.read_bytes() == back.read_bytes()


def test_the_command_line_syncs_a_tree(region, bucket, tmp_path):
    there, back = tmp_path / "there", tmp_path / "back"
    for name, size in [("a/one", 10), ("a/b/large", 9 * MIB), ("empty", 0), ("c d/ü", 3)]:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(os.urandom(size))
        # Older than anything that is put now: S3 tells whole seconds, and `sync` sends what seems younger.
        os.utime(there / name, (0, 1_600_000_000))
    region.aws("s3", "sync", there, f"s3://{bucket}/tree")
    assert region.aws("s3", "sync", there, f"s3://{bucket}/tree").strip() == "", "nothing is left to do"
    region.aws("s3", "sync", f"s3://{bucket}/tree", back)
    files = {path.relative_to(there): path.read_bytes() for path in there.rglob("*") if path.is_file()}
    assert files == {path.relative_to(back): path.read_bytes() for path in back.rglob("*") if path.is_file()}


def test_parts_by_hand(region, bucket, body):
    s3 = region.client("s3")
    target = {"Bucket": bucket, "Key": "by hand"}
    upload = s3.create_multipart_upload(**target, StorageClass="STANDARD")
    target["UploadId"] = upload["UploadId"]
    assert any(item["UploadId"] == upload["UploadId"] for item in s3.list_multipart_uploads(Bucket=bucket)["Uploads"])
    first = s3.upload_part(**target, PartNumber=1, Body=body)
    assert first["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert first["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    second = s3.upload_part(**target, PartNumber=2, Body=b"end")
    listed = s3.list_parts(**target)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [(1, len(body)), (2, 3)]
    parts = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    error = refused("InvalidPartOrder", 400, s3.complete_multipart_upload, **target,
                    MultipartUpload={"Parts": parts[::-1]})
    assert error["UploadId"] == upload["UploadId"]
    done = s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts}, MpuObjectSize=len(body) + 3)
    digests = hashlib.md5(body).digest() + hashlib.md5(b"end").digest()
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert done["ChecksumType"] == "FULL_OBJECT" and "ChecksumCRC64NVME" in done
    assert s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})["ETag"] == done["ETag"]
    del target["UploadId"]
    assert s3.get_object(**target)["Body"].read() == body + b"end"
    assert s3.get_object(**target, Range=f"bytes={len(body) - 1}-{len(body)}")["Body"].read() == body[-1:] + b"e"


def test_an_aborted_upload_is_gone(region, bucket):
    s3 = region.client("s3")
    target = {"Bucket": bucket, "Key": "aborted"}
    target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
    s3.upload_part(**target, PartNumber=1, Body=b"x")
    assert s3.abort_multipart_upload(**target)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (s3.list_parts, s3.abort_multipart_upload):
        assert refused("NoSuchUpload", 404, call, **target)["UploadId"] == target["UploadId"]
    refused("NoSuchUpload", 404, s3.upload_part, **target, PartNumber=1, Body=b"x")


def test_small_parts_and_wrong_numbers(region, bucket):
    s3 = region.client("s3")
    target = {"Bucket": bucket, "Key": "small"}
    target["UploadId"] = s3.create_multipart_upload(**target)["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(**target, PartNumber=number, Body=b"x")["ETag"]}
             for number in (1, 2)]
    error = refused("EntityTooSmall", 400, s3.complete_multipart_upload, **target, MultipartUpload={"Parts": parts})
    assert (error["ProposedSize"], error["MinSizeAllowed"], error["PartNumber"]) == ("1", str(5 * MIB), "1")
    for number in (0, 10_001):
        error = refused("InvalidArgument", 400, s3.upload_part, **target, PartNumber=number, Body=b"x")
        assert error["Message"] == "Part number must be an integer between 1 and 10000, inclusive"
    s3.abort_multipart_upload(**target)


def test_crc64nvme_by_hand(region, bucket):
    """The value is the check value of the algorithm; botocore computes it only with an extra library."""
    s3 = region.client("s3")
    target = {"Bucket": bucket, "Key": "crc64"}
    begun = s3.create_multipart_upload(**target, ChecksumAlgorithm="CRC64NVME")
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == ("CRC64NVME", "FULL_OBJECT")
    target["UploadId"] = begun["UploadId"]
    value = "rosUhgp5mIg="
    part = s3.upload_part(**target, PartNumber=1, Body=b"123456789", ChecksumCRC64NVME=value)
    assert part["ChecksumCRC64NVME"] == value
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC64NVME": value}]}
    refused("BadDigest", 400, s3.complete_multipart_upload, **target, MultipartUpload=parts,
            ChecksumCRC64NVME="sosUhgp5mIg=", ChecksumType="FULL_OBJECT")
    done = s3.complete_multipart_upload(**target, MultipartUpload=parts, ChecksumCRC64NVME=value,
                                        ChecksumType="FULL_OBJECT")
    assert done["ChecksumCRC64NVME"] == value
    del target["UploadId"]
    head = s3.head_object(**target, ChecksumMode="ENABLED")
    assert (head["ChecksumCRC64NVME"], head["ChecksumType"]) == (value, "FULL_OBJECT")


@pytest.mark.parametrize("name, value, of_parts", [
    ("SHA512", "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
     "BAhVESR8pFuv/S2pHMrDSxjHVgcYCwozEda98ahLvKJ8ll4B1SyOb7caBgdNEU6tpyb0mS26scvZwucvSD0i8A=="),
    ("MD5", "JfnnlDI7RTiF9RgfG2JNCw==", "WSfF1k2UpXhvkAA6om0BWQ=="),
    ("XXHASH64", "jLhB20DmroM=", "aIYCMYPSWcc="),
    ("XXHASH3", "ctyxi2ehff8=", "ksPmtVIgSbU="),
    ("XXHASH128", "MxGUd+3l3NXpcWQnaB1YYA==", "qhtapxAN/tUuBHXli2H9nQ=="),
])
def test_the_younger_algorithms_by_hand(region, bucket, name, value, of_parts):
    """Of `123456789`, whole and as the only part; the values are those of hashlib and of xxHash's reference."""
    s3, field = region.client("s3"), f"Checksum{name}"
    put = s3.put_object(Bucket=bucket, Key="whole", Body=b"123456789", **{field: value})
    assert (put[field], put["ChecksumType"]) == (value, "FULL_OBJECT")
    head = s3.head_object(Bucket=bucket, Key="whole", ChecksumMode="ENABLED")
    assert (head[field], head["ChecksumType"]) == (value, "FULL_OBJECT")
    told = s3.get_object_attributes(Bucket=bucket, Key="whole", ObjectAttributes=["Checksum"])
    assert told["Checksum"] == {field: value, "ChecksumType": "FULL_OBJECT"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/whole")
    assert copied["CopyObjectResult"][field] == value
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="wrong", Body=b"12345678", **{field: value})
    target = {"Bucket": bucket, "Key": "parts"}
    refused("InvalidRequest", 400, s3.create_multipart_upload, **target, ChecksumAlgorithm=name,
            ChecksumType="FULL_OBJECT")
    begun = s3.create_multipart_upload(**target, ChecksumAlgorithm=name)
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (name, "COMPOSITE")
    target["UploadId"] = begun["UploadId"]
    part = s3.upload_part(**target, PartNumber=1, Body=b"123456789", **{field: value})
    assert part[field] == value
    assert s3.list_parts(**target)["Parts"][0][field] == value
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], field: value}]}
    done = s3.complete_multipart_upload(**target, MultipartUpload=parts)
    assert (done[field], done["ChecksumType"]) == (f"{of_parts}-1", "COMPOSITE")


def test_parts_of_an_object_under_a_customers_key(region, bucket, body):
    s3 = region.client("s3")
    target = {"Bucket": bucket, "Key": "sealed"}
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    upload = s3.create_multipart_upload(**target, **key, ChecksumAlgorithm="SHA256")["UploadId"]
    refused("InvalidRequest", 400, s3.upload_part, **target, UploadId=upload, PartNumber=1, Body=b"x",
            ChecksumAlgorithm="SHA256")
    parts = []
    for number, piece in ((1, body), (2, b"end")):
        part = s3.upload_part(**target, **key, UploadId=upload, PartNumber=number, Body=piece,
                              ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    done = s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] == "COMPOSITE" and done["ChecksumSHA256"].endswith("-2")
    assert s3.get_object(**target, **key)["Body"].read() == body + b"end"
    refused("400", 400, s3.head_object, **target)
    last = s3.get_object(**target, **key, PartNumber=2, ChecksumMode="ENABLED")
    assert (last["Body"].read(), last["PartsCount"]) == (b"end", 2)
    assert last["ContentRange"] == f"bytes {len(body)}-{len(body) + 2}/{len(body) + 3}"
    assert last["ChecksumSHA256"] == parts[1]["ChecksumSHA256"]
    # botocore encodes the key for every operation but this one.
    key["SSECustomerKey"] = base64.b64encode(b"k" * 32).decode()
    key["SSECustomerKeyMD5"] = base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode()
    told = s3.get_object_attributes(**target, **key, ObjectAttributes=["ObjectParts", "Checksum", "ObjectSize"])
    assert [(part["PartNumber"], part["Size"]) for part in told["ObjectParts"]["Parts"]] == [(1, len(body)), (2, 3)]
    assert f'{told["Checksum"]["ChecksumSHA256"]}-2' == done["ChecksumSHA256"]
