//! The condition keys of a request: those of the caller and of the call, beside those that the need brings. What is set
//! here is true, so it beats what the need says.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use api::{Call, Principal, Proof, ProofPlace};
use jiff::Timestamp;
use policy::Context;
use service::Need;

use super::bundle::Bundle;

/// The keys that are known of every request here, but for those with a part of their own (tags).
const KEYS: [&str; 30] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SecureTransport",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:ViaAWSService",
    "aws:userid",
    "aws:username",
    "ec2:RoleDelivery",
    "ec2:SourceInstanceARN",
    "s3:TlsVersion",
    "s3:authType",
    "s3:signatureAge",
    "s3:signatureversion",
    "s3:x-amz-content-sha256",
];

/// A request whose condition keys are asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    pub(super) bundle: &'a Bundle,
    pub(super) need: &'a Need,
    pub(super) owner: Option<&'a str>,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// The values of these keys, which are in lower case, and of no others: what no statement asks for costs nothing.
    pub(super) fn only<'b>(&self, keys: impl Iterator<Item = &'b String>) -> Context {
        let mut context = Context::new();
        for key in keys {
            if let Some(values) = self.values(key) {
                context.set_all(key.clone(), values);
            }
        }
        context
    }

    /// All that is known.
    pub(super) fn all(&self) -> Context {
        let mut context = self.need.context.clone();
        for key in KEYS {
            if let Some(values) = self.values(&key.to_ascii_lowercase()) {
                context.set_all(key, values);
            }
        }
        for (key, value) in &self.bundle.tags {
            context.set(format!("aws:PrincipalTag/{key}"), value.clone());
        }
        let session = self.call.caller.session.iter().flat_map(|session| &session.context);
        for (key, values) in session {
            context.set_all(key.clone(), values.clone());
        }
        context
    }

    fn values(&self, key: &str) -> Option<Vec<String>> {
        // Who assumes a role may show an MFA device together with that.
        if let ("aws:multifactorauthpresent" | "aws:multifactorauthage", Some(shown)) =
            (key, self.need.context.get(key))
        {
            return Some(shown.to_vec());
        }
        self.known(key).map(|value| vec![value]).or_else(|| {
            let sessions = self.call.caller.session.iter().flat_map(|session| &session.context);
            let of_session = sessions.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
            let values = of_session.map(|(_, values)| values.clone());
            values.or_else(|| self.need.context.get(key).map(<[String]>::to_vec))
        })
    }

    /// The value of a key of the caller or the call.
    fn known(&self, key: &str) -> Option<String> {
        let (call, bundle) = (self.call, self.bundle);
        let (caller, session) = (&call.caller, call.caller.session.as_deref());
        let is_service = matches!(caller.principal, Principal::Service(_));
        if let Some(tag) = key.strip_prefix("aws:principaltag/") {
            let found = bundle.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            return found.map(|(_, value)| value.clone());
        }
        let account = || caller.account.as_ref().map(ToString::to_string);
        match key {
            "aws:currenttime" => Some(to_the_second(self.now)),
            "aws:epochtime" => Some(self.now.as_second().to_string()),
            // A call within the region comes from no address.
            "aws:sourceip" => call.source_ip.map(|address| address.to_canonical().to_string()),
            "aws:securetransport" => Some(call.is_secure.to_string()),
            "aws:useragent" => (!call.user_agent.is_empty()).then(|| call.user_agent.clone()),
            "aws:referer" => call.manner.referer.clone(),
            "aws:requestedregion" => Some(self.region().to_owned()),
            "aws:principalarn" => (!bundle.principal_arn.is_empty()).then(|| bundle.principal_arn.clone()),
            "aws:principalaccount" => account(),
            "aws:principaltype" => Some(principal_type(&caller.principal).to_owned()),
            "aws:principalisawsservice" => Some(is_service.to_string()),
            "aws:principalservicename" => bundle.subject.service.clone(),
            // Said of calls with the credentials of whom they are for. No service of ours makes such calls, so there is no
            // `aws:CalledVia` either.
            "aws:viaawsservice" => Some("false".to_owned()),
            "aws:principalorgid" => bundle.place.as_ref().map(|place| place.0.clone()),
            "aws:principalorgpaths" => bundle.place.as_ref().map(|place| place.1.clone()),
            "aws:userid" => match caller.principal {
                Principal::Anonymous => Some("anonymous".to_owned()),
                _ => caller.user_id(),
            },
            "aws:username" => match &caller.principal {
                Principal::User { name, .. } => Some(name.clone()),
                _ => None,
            },
            // Long-term keys prove nothing of the kind, not even that there was none: then the key is absent.
            "aws:multifactorauthpresent" => session.map(|session| session.mfa.is_some().to_string()),
            "aws:multifactorauthage" => {
                let proven = session?.mfa?;
                Some((self.now.as_second() - proven.as_second()).max(0).to_string())
            }
            "aws:tokenissuetime" => session.map(|session| to_the_second(session.issued)),
            "aws:sourceidentity" => session?.source_identity.clone(),
            "aws:federatedprovider" => session?.provider.clone(),
            "ec2:sourceinstancearn" => session?.instance.clone(),
            // Session tokens of the first kind of metadata service are marked by whoever hands them out.
            "ec2:roledelivery" if !self.has_in_session(key) => session?.instance.as_ref().map(|_| "2.0".to_owned()),
            "aws:resourceaccount" => self.owner.map(str::to_owned),
            _ if self.need.action.starts_with("s3:") => self.of_s3(key),
            _ => None,
        }
    }

    /// The keys of how a request was made, which S3 alone has.
    /// Rule: <https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html>; `s3:TlsVersion` in
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>.
    fn of_s3(&self, key: &str) -> Option<String> {
        let manner = &self.call.manner;
        match key {
            "s3:tlsversion" => manner.tls.map(str::to_owned),
            "s3:authtype" => manner.proof.map(|proof| {
                let text = match proof.place {
                    ProofPlace::Header => "REST-HEADER",
                    ProofPlace::Query => "REST-QUERY-STRING",
                    ProofPlace::Form => "POST",
                };
                text.to_owned()
            }),
            "s3:signatureversion" => {
                manner.proof.map(|proof| if proof.made.is_some() { "AWS4-HMAC-SHA256" } else { "AWS" }.to_owned())
            }
            // In milliseconds, of what is signed now and sent later.
            "s3:signatureage" => match manner.proof? {
                Proof { place: ProofPlace::Header, .. } => None,
                Proof { made: None, .. } => Some("0".to_owned()),
                Proof { made: Some(made), .. } => {
                    Some((self.now.as_millisecond() - made.as_millisecond()).max(0).to_string())
                }
            },
            "s3:x-amz-content-sha256" => manner.content_sha256.clone(),
            _ => None,
        }
    }

    fn has_in_session(&self, key: &str) -> bool {
        let session = self.call.caller.session.as_deref();
        session.is_some_and(|session| session.context.iter().any(|(known, _)| known.eq_ignore_ascii_case(key)))
    }

    /// Services that are the same everywhere are in one region.
    /// Rule: "aws:RequestedRegion" on the page above.
    fn region(&self) -> &str {
        match self.need.action.split_once(':') {
            Some(("iam" | "organizations", _)) => "us-east-1",
            _ => &self.call.region,
        }
    }
}

fn principal_type(principal: &Principal) -> &'static str {
    match principal {
        Principal::Anonymous => "Anonymous",
        Principal::Root | Principal::Service(_) => "Account",
        Principal::User { .. } => "User",
        Principal::Role { .. } => "AssumedRole",
        Principal::FederatedUser { .. } => "FederatedUser",
    }
}

fn to_the_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
