"""Access control lists, ownership, public access, and locks of objects, as clients and browsers see them."""

import datetime
import subprocess
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from test_accounts import account, exports, keys

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
OPEN = {"ObjectOwnership": "ObjectWriter"}


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def s3(region):
    return region.client("s3")


@pytest.fixture(scope="module")
def theirs(region):
    """S3 for the root of another account."""
    return region.client("s3", **keys(exports(account(region, "create", "others", "--env"))))


@pytest.fixture
def bucket(s3):
    """A bucket where lists count and nothing public is blocked."""
    name = f"access-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket=name)
    return name


def plain(region, path, method="GET", data=None):
    """Without a signature, as a browser asks."""
    request = urllib.request.Request(f"{region.exports['AWS_ENDPOINT_URL']}/{path}", method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, b""


def canonical(client):
    return client.list_buckets()["Owner"]["ID"]


def granted(answer):
    whom = lambda grantee: grantee.get("ID") or grantee["URI"]
    return {(whom(grant["Grantee"]), grant["Permission"]) for grant in answer["Grants"]}


def test_a_public_object_is_there_for_everyone(region, s3, bucket, tmp_path):
    s3.put_object(Bucket=bucket, Key="open", Body=b"open", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"closed")
    assert plain(region, f"{bucket}/open") == (200, b"open")
    assert plain(region, f"{bucket}/closed")[0] == 403
    assert plain(region, f"{bucket}/none")[0] == 403
    assert plain(region, bucket)[0] == 403
    assert region.aws("s3", "cp", "--no-sign-request", f"s3://{bucket}/open", "-") == "open"
    curl = ["curl", "-sf", f"{region.exports['AWS_ENDPOINT_URL']}/{bucket}/open"]
    assert subprocess.run(curl, capture_output=True, timeout=30, check=True).stdout == b"open"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    status, listing = plain(region, bucket)
    assert status == 200 and b"<Key>closed</Key>" in listing
    assert plain(region, f"{bucket}/none")[0] == 404
    assert plain(region, f"{bucket}/new", "PUT", b"x")[0] == 403
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert plain(region, f"{bucket}/new", "PUT", b"x")[0] == 200
    assert plain(region, f"{bucket}/new", "DELETE")[0] == 204
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert plain(region, f"{bucket}/open")[0] == 403
    assert plain(region, bucket)[0] == 403


def test_lists_are_put_and_found(s3, theirs, bucket):
    ours_id, theirs_id = canonical(s3), canonical(theirs)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f"id={theirs_id}", GrantReadACP=f"uri={ALL_USERS}")
    assert granted(s3.get_object_acl(Bucket=bucket, Key="k")) == {(theirs_id, "READ"), (ALL_USERS, "READ_ACP")}
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert theirs.get_object_acl(Bucket=bucket, Key="k")["Owner"]["ID"] == ours_id
    assert code(theirs.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == ("AccessDenied", 403)
    grants = [
        {"Grantee": {"Type": "CanonicalUser", "ID": ours_id}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"Type": "CanonicalUser", "ID": theirs_id}, "Permission": "WRITE"},
    ]
    policy = {"Owner": {"ID": ours_id}, "Grants": grants}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=policy)
    assert granted(s3.get_bucket_acl(Bucket=bucket)) == {(ours_id, "FULL_CONTROL"), (theirs_id, "WRITE")}
    theirs.put_object(Bucket=bucket, Key="theirs", Body=b"t")
    assert code(s3.get_object, Bucket=bucket, Key="theirs") == ("AccessDenied", 403)
    owners = {entry["Key"]: entry["Owner"]["ID"] for entry in s3.list_objects(Bucket=bucket)["Contents"]}
    assert owners == {"k": ours_id, "theirs": theirs_id}
    grants[1]["Grantee"] = {"Type": "AmazonCustomerByEmail", "EmailAddress": "a@example.com"}
    refused = code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=policy)
    assert refused == ("UnresolvableGrantByEmailAddress", 400)
    grants[1]["Grantee"] = {"Type": "CanonicalUser", "ID": "_foo"}
    assert code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=policy) == ("InvalidArgument", 400)


def test_a_bucket_of_today_has_no_lists(s3, theirs):
    name = f"access-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert code(s3.put_bucket_acl, Bucket=name, ACL="private") == ("AccessControlListNotSupported", 400)
    assert code(s3.put_object, Bucket=name, Key="k", ACL="public-read") == ("AccessControlListNotSupported", 400)
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [OPEN]})
    assert code(s3.put_bucket_acl, Bucket=name, ACL="public-read") == ("AccessDenied", 403)
    s3.delete_bucket_ownership_controls(Bucket=name)
    assert code(s3.get_bucket_ownership_controls, Bucket=name) == ("OwnershipControlsNotFoundError", 404)
    for operation in [theirs.get_bucket_ownership_controls, theirs.delete_bucket_ownership_controls, theirs.get_bucket_acl]:
        assert code(operation, Bucket=name) == ("AccessDenied", 403)


def test_locks_are_put_and_found(s3):
    name = f"access-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    default = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=default)
    assert s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"] == default
    version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    head = s3.head_object(Bucket=name, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": soon}
    assert code(s3.put_object_retention, Bucket=name, Key="k", Retention=shorter) == ("AccessDenied", 403)
    s3.put_object_retention(Bucket=name, Key="k", Retention=shorter, BypassGovernanceRetention=True)
    until = s3.get_object_retention(Bucket=name, Key="k", VersionId=version)["Retention"]["RetainUntilDate"]
    assert abs((until - soon).total_seconds()) < 1
    assert code(s3.delete_object, Bucket=name, Key="k", VersionId=version) == ("AccessDenied", 403)
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    bypassed = {"Bucket": name, "Key": "k", "VersionId": version, "BypassGovernanceRetention": True}
    assert code(s3.delete_object, **bypassed) == ("AccessDenied", 403)
    assert s3.get_object_legal_hold(Bucket=name, Key="k")["LegalHold"] == {"Status": "ON"}
    assert s3.head_object(Bucket=name, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(**bypassed)
    assert code(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Suspended"})[1] == 409


def form(url, fields, body):
    boundary = "boundary"
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(f'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n{body}')
    text = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(url, data=text.encode(), headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_a_form_that_nobody_signed_is_taken_where_everyone_may_write(region, s3, bucket):
    url = f"{region.exports['AWS_ENDPOINT_URL']}/{bucket}"
    fields = {"key": "form", "acl": "public-read", "Content-Type": "text/plain"}
    assert form(url, fields, "bytes") == 403
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert form(url, fields, "bytes") == 204
    assert plain(region, f"{bucket}/form") == (200, b"bytes")
    assert s3.get_object(Bucket=bucket, Key="form")["ContentType"] == "text/plain"


def test_an_upload_in_parts_has_the_list_that_was_said_at_its_beginning(region, s3, theirs, bucket):
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    upload = theirs.create_multipart_upload(Bucket=bucket, Key="parts", ACL="bucket-owner-read")["UploadId"]
    place = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    assert theirs.list_parts(**place)["UploadId"] == upload
    other = theirs.create_multipart_upload(Bucket=bucket, Key="other")["UploadId"]
    theirs.abort_multipart_upload(Bucket=bucket, Key="other", UploadId=other)
    ours = {"Bucket": bucket, "Key": "ours", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="ours")["UploadId"]}
    assert code(theirs.abort_multipart_upload, **ours) == ("AccessDenied", 403)
    assert code(theirs.list_parts, **ours) == ("AccessDenied", 403)
    tag = theirs.upload_part(**place, PartNumber=1, Body=b"part")["ETag"]
    theirs.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    expected = {(canonical(theirs), "FULL_CONTROL"), (canonical(s3), "READ")}
    assert granted(theirs.get_object_acl(Bucket=bucket, Key="parts")) == expected
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == b"part"
    assert plain(region, f"{bucket}/parts")[0] == 403
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/parts", ACL="public-read")
    assert plain(region, f"{bucket}/copy") == (200, b"part")
    assert s3.get_object_acl(Bucket=bucket, Key="copy")["Owner"]["ID"] == canonical(s3)
