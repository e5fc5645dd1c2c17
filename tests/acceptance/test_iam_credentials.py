"""Passwords, MFA devices, certificates and keys of users, as boto3 sees them."""

import csv
import io
import shutil
import struct
import subprocess
import zlib

import pytest

import totp


@pytest.fixture(scope="module")
def iam(region):
    return region.client("iam")


def refusal(call, **arguments):
    with pytest.raises(Exception) as caught:
        call(**arguments)
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def test_login_profiles_and_the_password_policy(region, iam):
    iam.create_user(UserName="pat")
    assert refusal(iam.get_login_profile, UserName="pat")[:2] == ("NoSuchEntity", 404)
    iam.update_account_password_policy(MinimumPasswordLength=12, RequireSymbols=True, AllowUsersToChangePassword=True)
    weak = refusal(iam.create_login_profile, UserName="pat", Password="too-short")
    assert weak == ("PasswordPolicyViolation", 400, "Password should have a minimum length of 12")
    profile = iam.create_login_profile(UserName="pat", Password="long-enough-and-symbols")["LoginProfile"]
    assert profile["UserName"] == "pat"
    assert refusal(iam.create_login_profile, UserName="pat", Password="another-long-one")[:2] == ("EntityAlreadyExists", 409)
    key = iam.create_access_key(UserName="pat")["AccessKey"]
    pat = region.client("iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    # No policy of hers says so: that of the account's passwords does.
    pat.change_password(OldPassword="long-enough-and-symbols", NewPassword="changed-by-herself")
    wrong = refusal(pat.change_password, OldPassword="long-enough-and-symbols", NewPassword="changed-once-more")
    assert wrong == ("AccessDenied", 403, "The old password was incorrect.")
    iam.update_account_password_policy(MinimumPasswordLength=12)
    denied = refusal(pat.change_password, OldPassword="changed-by-herself", NewPassword="changed-once-more")
    assert denied[0] == "AccessDenied" and "iam:ChangePassword" in denied[2]
    assert refusal(iam.delete_user, UserName="pat")[0] == "DeleteConflict"
    iam.delete_login_profile(UserName="pat")
    iam.delete_account_password_policy()
    assert refusal(iam.get_account_password_policy)[:2] == ("NoSuchEntity", 404)


def test_virtual_mfa_devices(iam):
    iam.create_user(UserName="moe")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="moe-1", Tags=[{"Key": "k", "Value": "v"}])
    device = device["VirtualMFADevice"]
    png = device["QRCodePNG"]
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    assert len(zlib.decompress(png[start + 4 : start + 4 + length])) == height * (1 + (width + 7) // 8)
    bad = refusal(
        iam.enable_mfa_device,
        UserName="moe",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1="000000",
        AuthenticationCode2="000000",
    )
    assert bad == ("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
    serial, _ = totp.enable(iam, "moe", "moe-2")
    assert [held["SerialNumber"] for held in iam.list_mfa_devices(UserName="moe")["MFADevices"]] == [serial]
    pages = iam.get_paginator("list_virtual_mfa_devices").paginate(AssignmentStatus="Assigned")
    held = [found["User"]["UserName"] for page in pages for found in page["VirtualMFADevices"]]
    assert "moe" in held
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "DeleteConflict"
    iam.deactivate_mfa_device(UserName="moe", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    assert iam.list_mfa_device_tags(SerialNumber=device["SerialNumber"])["Tags"] == [{"Key": "k", "Value": "v"}]


def openssl(*arguments):
    return subprocess.run([shutil.which("openssl"), *arguments], check=True, capture_output=True, text=True).stdout


def certificate(folder, name):
    key, chain = folder / f"{name}.key", folder / f"{name}.pem"
    make = ["-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout", key, "-out", chain]
    openssl("req", "-x509", *map(str, make))
    return chain.read_text(), key.read_text()


def test_certificates_and_keys(iam, tmp_path):
    iam.create_user(UserName="kim")
    (body, key), (_, other) = certificate(tmp_path, "one"), certificate(tmp_path, "two")
    iam.upload_server_certificate(ServerCertificateName="web", CertificateBody=body, PrivateKey=key)
    mismatch = refusal(iam.upload_server_certificate, ServerCertificateName="x", CertificateBody=body, PrivateKey=other)
    assert mismatch[:2] == ("KeyPairMismatch", 400)
    assert iam.get_server_certificate(ServerCertificateName="web")["ServerCertificate"]["CertificateBody"] == body
    assert [found["ServerCertificateName"] for found in iam.list_server_certificates()["ServerCertificateMetadataList"]] == ["web"]
    iam.delete_server_certificate(ServerCertificateName="web")

    signing = iam.upload_signing_certificate(UserName="kim", CertificateBody=body)["Certificate"]
    assert refusal(iam.upload_signing_certificate, UserName="kim", CertificateBody=body)[:2] == ("DuplicateCertificate", 409)
    iam.delete_signing_certificate(UserName="kim", CertificateId=signing["CertificateId"])

    pem = openssl("rsa", "-in", str(tmp_path / "one.key"), "-pubout")
    public = iam.upload_ssh_public_key(UserName="kim", SSHPublicKeyBody=pem)["SSHPublicKey"]
    shown = iam.get_ssh_public_key(UserName="kim", SSHPublicKeyId=public["SSHPublicKeyId"], Encoding="PEM")
    assert shown["SSHPublicKey"]["SSHPublicKeyBody"] == pem
    iam.delete_ssh_public_key(UserName="kim", SSHPublicKeyId=public["SSHPublicKeyId"])

    made = iam.create_service_specific_credential(UserName="kim", ServiceName="codecommit.amazonaws.com")
    made = made["ServiceSpecificCredential"]
    assert made["ServiceUserName"].startswith("kim-at-") and len(made["ServicePassword"]) >= 32
    unknown = refusal(iam.create_service_specific_credential, UserName="kim", ServiceName="ec2.amazonaws.com")
    assert unknown[:2] == ("NotSupportedService", 404)
    held = iam.list_service_specific_credentials(UserName="kim")["ServiceSpecificCredentials"]
    assert [credential["ServiceSpecificCredentialId"] for credential in held] == [made["ServiceSpecificCredentialId"]]


def test_the_credential_report(iam):
    iam.create_user(UserName="rob")
    assert refusal(iam.get_credential_report)[:2] == ("ReportNotPresent", 410)
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    report = iam.get_credential_report()
    rows = list(csv.DictReader(io.StringIO(report["Content"].decode())))
    assert rows[0]["user"] == "<root_account>" and report["ReportFormat"] == "text/csv"
    assert {row["user"]: row["password_enabled"] for row in rows}["rob"] == "false"
