"""Temporary credentials with unmodified clients: chains of roles, other accounts, MFA, tokens of a local provider."""

import base64
import contextlib
import http.server
import json
import subprocess
import threading
import time

import botocore.exceptions
import pytest
import rsa

from region import environment, welkin
from test_accounts import exports, keys
from waiting import until

POLICY = {"Version": "2012-10-17"}


def document(*statements):
    return json.dumps({**POLICY, "Statement": list(statements)})


def allow(actions, resource="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def trust(principal, actions="sts:AssumeRole", **more):
    return document({"Effect": "Allow", "Principal": principal, "Action": actions, **more})


def as_keys(credentials):
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


@contextlib.contextmanager
def refused(code, text=""):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        yield
    found = error.value.response["Error"]
    assert found["Code"] == code and text in found["Message"], found


@pytest.fixture(scope="module")
def ann(region):
    """A user who may assume every role, and her keys."""
    iam = region.client("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(
        UserName="ann",
        PolicyName="p",
        PolicyDocument=document(allow(["sts:*", "s3:*", "iam:GetUser"])),
    )
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def make_role(region, name, trust_policy, *statements, **client):
    iam = region.client("iam", **client)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
    return arn


def test_a_chain_of_roles_over_two_accounts(region, ann):
    done = welkin("account", "create", "other", "--env", "--data-dir", region.folder)
    assert done.returncode == 0, done.stderr
    other = keys(exports(done.stdout))
    account = region.client("sts", **other).get_caller_identity()["Account"]
    tagged = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    user = f"arn:aws:iam::{region.account}:user/ann"
    hop = make_role(region, "hop", trust({"AWS": user}, tagged), allow("sts:*"))
    # Only with the external id, and only what is tagged blue.
    conditions = {"StringEquals": {"sts:ExternalId": "x-1", "aws:PrincipalTag/team": "blue"}}
    far = make_role(region, "far", trust({"AWS": hop}, tagged, Condition=conditions), allow("s3:*"), **other)
    sts = region.client("sts", **ann)
    with refused("AccessDenied", f"is not authorized to perform: sts:AssumeRole on resource: {far}"):
        sts.assume_role(RoleArn=far, RoleSessionName="s1", ExternalId="x-1")
    first = sts.assume_role(
        RoleArn=hop,
        RoleSessionName="s1",
        Tags=[{"Key": "team", "Value": "blue"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="ann",
    )
    hopped = region.client("sts", **as_keys(first["Credentials"]))
    with refused("AccessDenied"):
        hopped.assume_role(RoleArn=far, RoleSessionName="s2")
    second = hopped.assume_role(RoleArn=far, RoleSessionName="s2", ExternalId="x-1")
    assert second["SourceIdentity"] == "ann"
    assert second["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/far/s2"
    there = as_keys(second["Credentials"])
    assert region.client("sts", **there).get_caller_identity()["Account"] == account
    region.client("s3", **there).create_bucket(Bucket="made-far-away")
    assert [one["Name"] for one in region.client("s3", **other).list_buckets()["Buckets"]] == ["made-far-away"]
    key = second["Credentials"]["AccessKeyId"]
    assert region.client("sts").get_access_key_info(AccessKeyId=key)["Account"] == account
    with refused("ValidationError", "1 hour session limit"):
        hopped.assume_role(RoleArn=far, RoleSessionName="s2", ExternalId="x-1", DurationSeconds=3601)
    with refused("AccessDenied", "Roles may not be assumed by root accounts."):
        region.client("sts").assume_role(RoleArn=hop, RoleSessionName="s1")
    # The role's own policy, and no more: nor less by a policy of the session.
    with refused("AccessDenied"):
        region.client("iam", **there).list_users()
    narrow = document(allow("s3:ListAllMyBuckets"))
    third = hopped.assume_role(RoleArn=far, RoleSessionName="s3", ExternalId="x-1", Policy=narrow)
    assert third["PackedPolicySize"] > 0
    s3 = region.client("s3", **as_keys(third["Credentials"]))
    s3.list_buckets()
    with refused("AccessDenied"):
        s3.create_bucket(Bucket="not-with-that-session")
    # Without the role there is no session of it.
    iam = region.client("iam", **other)
    iam.delete_role_policy(RoleName="far", PolicyName="p")
    iam.delete_role(RoleName="far")
    with refused("InvalidClientTokenId"):
        region.client("sts", **there).get_caller_identity()


def test_sessions_of_a_role_are_revoked_as_amazon_s_console_does_it(region, ann):
    user = f"arn:aws:iam::{region.account}:user/ann"
    arn = make_role(region, "revoked", trust({"AWS": user}), allow("s3:*"))
    sts = region.client("sts", **ann)

    def session():
        return region.client("s3", **as_keys(sts.assume_role(RoleArn=arn, RoleSessionName="s1")["Credentials"]))

    old = session()
    old.list_buckets()
    # Times are compared to the second.
    end = int(time.time()) + 1
    until(lambda: time.time() >= end, 2, "the second ends")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
    older = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    deny = document({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": older})
    region.client("iam").put_role_policy(
        RoleName="revoked", PolicyName="AWSRevokeOlderSessions", PolicyDocument=deny
    )
    with refused("AccessDenied", "explicit deny"):
        old.list_buckets()
    session().list_buckets()


def test_session_and_federation_tokens(region, ann):
    sts = region.client("sts", **ann)
    own = as_keys(sts.get_session_token(DurationSeconds=900)["Credentials"])
    assert region.client("sts", **own).get_caller_identity()["Arn"].endswith(":user/ann")
    region.client("s3", **own).list_buckets()
    with refused("InvalidClientTokenId"):
        region.client("iam", **own).get_user()
    with refused("AccessDenied", "Cannot call GetSessionToken with session credentials"):
        region.client("sts", **own).get_session_token()
    wrong = {**own, "aws_session_token": own["aws_session_token"][:-4] + "AAAA"}
    with refused("InvalidClientTokenId"):
        region.client("sts", **wrong).get_caller_identity()

    policy = document(allow("s3:ListAllMyBuckets"))
    given = sts.get_federation_token(Name="bob", Policy=policy, Tags=[{"Key": "team", "Value": "blue"}])
    assert given["FederatedUser"]["Arn"] == f"arn:aws:sts::{region.account}:federated-user/bob"
    bob = as_keys(given["Credentials"])
    region.client("s3", **bob).list_buckets()
    with refused("AccessDenied"):
        region.client("s3", **bob).create_bucket(Bucket="not-bobs")
    with refused("AccessDenied"):
        nothing = as_keys(sts.get_federation_token(Name="bob")["Credentials"])
        region.client("s3", **nothing).list_buckets()
    with refused("InvalidClientTokenId"):
        region.client("iam", **bob).get_user()


def test_sessions_outlive_the_process_and_end_by_the_operators_word(region, ann):
    own = as_keys(region.client("sts", **ann).get_session_token()["Credentials"])
    region.kill()
    region.start()
    assert region.client("sts", **own).get_caller_identity()["Arn"].endswith(":user/ann")
    key = own["aws_access_key_id"]
    listed = welkin("session", "list", "--json", "--data-dir", region.folder)
    assert key in [line["access_key"] for line in json.loads(listed.stdout)], listed.stderr
    assert f":user/ann" in welkin("session", "list", "--data-dir", region.folder).stdout
    assert welkin("session", "revoke", key, "--data-dir", region.folder).returncode == 0
    with refused("InvalidClientTokenId"):
        region.client("sts", **own).get_caller_identity()
    again = welkin("session", "revoke", key, "--data-dir", region.folder)
    assert again.returncode != 0 and "there is no session" in again.stderr


class Provider:
    """An OpenID Connect provider on this machine."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = {}
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                pages = {
                    "/realm/.well-known/openid-configuration": provider.configuration,
                    "/realm/keys": provider.key_set,
                }
                page = pages.get(self.path)
                body = json.dumps(page() if page else {}).encode()
                self.send_response(200 if page else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self):
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def new_key(self, name):
        file = self.folder / name
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", file, "2048"], check=True, capture_output=True)
        private = rsa.PrivateKey.load_pkcs1(file.read_bytes())
        self.keys = {name: (rsa.PublicKey(private.n, private.e), private)}

    def key_set(self):
        def number(value):
            return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))

        return {
            "keys": [
                {"kty": "RSA", "kid": name, "alg": "RS256", "use": "sig", "n": number(public.n), "e": number(public.e)}
                for name, (public, _) in self.keys.items()
            ]
        }

    def token(self, **claims):
        [(name, (_, private))] = self.keys.items()
        now = int(time.time())
        claims = {"iss": self.url, "sub": "repo:a/b", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 300, **claims}
        parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": name}, claims)]
        signed = ".".join(parts)
        return f"{signed}.{encoded(rsa.sign(signed.encode(), private, 'SHA-256'))}"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    provider = Provider(tmp_path_factory.mktemp("provider"))
    provider.new_key("one")
    yield provider
    provider.server.shutdown()


def test_tokens_of_a_provider_and_the_cli_s_profiles(region, ann, provider, tmp_path):
    iam = region.client("iam")
    arn = iam.create_open_id_connect_provider(Url=provider.url, ClientIDList=["sts.amazonaws.com"])[
        "OpenIDConnectProviderArn"
    ]
    name = provider.url.removeprefix("http://")
    conditions = {"StringEquals": {f"{name}:aud": "sts.amazonaws.com"}, "StringLike": {f"{name}:sub": "repo:a/*"}}
    role = make_role(
        region,
        "build",
        trust({"Federated": arn}, "sts:AssumeRoleWithWebIdentity", Condition=conditions),
        allow("s3:ListAllMyBuckets"),
    )
    anonymous = region.client("sts", aws_access_key_id="", aws_secret_access_key="")

    def assume(token):
        asked = {"RoleArn": role, "RoleSessionName": "ci", "WebIdentityToken": token}
        return anonymous.assume_role_with_web_identity(**asked)

    given = assume(provider.token())
    found = until(
        lambda: region.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}]
        )["Events"],
        10,
        "the account's history tells who came with a token",
    )
    identity = json.loads(found[0]["CloudTrailEvent"])["userIdentity"]
    assert (identity["type"], identity["userName"], identity["identityProvider"]) == ("WebIdentityUser", "repo:a/b", arn)
    assert given["SubjectFromWebIdentityToken"] == "repo:a/b"
    session = as_keys(given["Credentials"])
    region.client("s3", **session).list_buckets()
    with refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        assume(provider.token(sub="repo:evil/b"))
    denied = until(
        lambda: region.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "repo:evil/b"}]
        )["Events"],
        10,
        "the account's history tells who was refused",
    )
    record = json.loads(denied[0]["CloudTrailEvent"])
    assert (record["userIdentity"]["type"], record["errorCode"]) == ("WebIdentityUser", "AccessDenied")
    assert record["userIdentity"]["principalId"] == f"{arn}:sts.amazonaws.com:repo:evil/b"
    assert record["recipientAccountId"] == region.account
    with refused("InvalidIdentityToken", "Incorrect token audience"):
        assume(provider.token(aud="other"))
    with refused("ExpiredTokenException", "Token expired"):
        assume(provider.token(exp=1))
    old = provider.token()
    with refused("InvalidIdentityToken"):
        assume(old[:-8] + "AAAAAAAA")
    provider.new_key("two")
    assume(provider.token())
    with refused("InvalidIdentityToken", "Couldn't retrieve verification key"):
        assume(old)

    hop = make_role(region, "hop-cli", trust({"AWS": f"arn:aws:iam::{region.account}:user/ann"}))
    (tmp_path / "token").write_text(provider.token())
    (tmp_path / "config").write_text(
        f"[profile base]\naws_access_key_id = {ann['aws_access_key_id']}\n"
        f"aws_secret_access_key = {ann['aws_secret_access_key']}\n"
        f"[profile hop]\nrole_arn = {hop}\nsource_profile = base\nrole_session_name = cli\n"
        f"[profile web]\nrole_arn = {role}\nweb_identity_token_file = {tmp_path / 'token'}\nrole_session_name = cli\n"
    )
    for profile, expected in [("hop", "assumed-role/hop-cli/cli"), ("web", "assumed-role/build/cli")]:
        where = {name: region.exports[name] for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")}
        env = environment(AWS_CONFIG_FILE=str(tmp_path / "config"), **where)
        command = ["aws", "--profile", profile, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith(expected)

    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("InvalidIdentityToken", "No OpenIDConnect provider found in your account"):
        assume(provider.token())
    region.client("s3", **session).list_buckets()
