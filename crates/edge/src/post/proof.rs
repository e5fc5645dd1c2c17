//! Who signed the policy of an upload from a browser. Its signature stands in the form, in version 4 or 2.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html> and, for version 2,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html>.

use api::{Caller, Proof, ProofPlace};
use iam::Credential;
use jiff::Timestamp;
use wire::sigv4::{MAX_EXPIRES, MAX_SKEW_SECONDS, QueryFault};
use wire::{ServiceError, sigv2, sigv4};

use super::fields::{Fields, argument};
use crate::authenticate::check_token;
use crate::evidence::{Evidence, Fault};
use crate::front::Edge;
use crate::refuse::{Refusal, mismatch_of, refusal_error};
use crate::trace::Trace;

impl Edge {
    /// The caller who signed the form's policy, and with what; nobody if it has none.
    pub(super) fn prove_form(
        &self,
        fields: &Fields,
        now: Timestamp,
        trace: &Trace,
    ) -> Result<(Caller, Option<Proof>), ServiceError> {
        let Some(evidence) = evidence(fields, trace)? else {
            // A policy that nobody vouches for is one all the same.
            return Ok((Caller::ANONYMOUS, None));
        };
        let policy = fields.given("policy").ok_or_else(|| lacking("policy"))?;
        let refuse = |refusal| refusal_error(trace, refusal, Some(&evidence));
        let found = self.credentials.find(evidence.access_key()).map_err(ServiceError::internal)?;
        let credential = found.ok_or_else(|| refuse(Refusal::UnknownKey))?;
        check_token(&evidence, &credential, now).map_err(refuse)?;
        if let Some(claim) = evidence.v4() {
            if claim.scope.region != self.region {
                let (given, expected) = (claim.scope.region.clone(), self.region.clone());
                return Err(refuse(Refusal::Region { given, expected }));
            }
            // The key that signed it was derived for that day, and serves for a week.
            let age = claim.age_seconds(now);
            if age < -MAX_SKEW_SECONDS {
                return Err(refuse(Refusal::NotYet { now }));
            }
            if age >= i64::from(MAX_EXPIRES) {
                return Err(refuse(Refusal::Expired { now, seconds: Some(MAX_EXPIRES) }));
            }
        }
        if is_signed(&evidence, &credential, policy) {
            let made = evidence.v4().map(|claim| claim.time);
            return Ok((credential.caller().clone(), Some(Proof { place: ProofPlace::Form, made })));
        }
        Err(mismatch_of(Some((evidence.access_key(), given(&evidence))), policy))
    }
}

fn is_signed(evidence: &Evidence, credential: &Credential, policy: &str) -> bool {
    match evidence {
        Evidence::V4(claim) => credential.signing_key(&claim.scope).sign(policy).matches(&claim.signature),
        Evidence::V2(claim) => sigv2::is_signature(&claim.signature, credential.secret(), policy),
    }
}

fn given(evidence: &Evidence) -> &str {
    match evidence {
        Evidence::V4(claim) => &claim.signature,
        Evidence::V2(claim) => &claim.signature,
    }
}

/// The claim that the fields of a form make; none if it makes none.
fn evidence(fields: &Fields, trace: &Trace) -> Result<Option<Evidence>, ServiceError> {
    let is_v4 =
        ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].iter().any(|name| fields.get(name).is_some());
    let is_v2 = fields.get("AWSAccessKeyId").is_some() || fields.get("signature").is_some();
    let refuse = |fault| refusal_error(trace, Refusal::Claim(fault), None);
    let pair = |name: &str, field: &str| fields.get(field).map(|value| (name.to_owned(), Some(value.to_owned())));
    match (is_v4, is_v2) {
        (false, false) => Ok(None),
        (true, true) => Err(refuse(Fault::Two)),
        (true, false) => {
            let names =
                ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "X-Amz-Security-Token"];
            let mut query: Vec<_> = names.iter().filter_map(|name| pair(name, name)).collect();
            // The signature is that of the policy, and covers no header.
            query.push(("X-Amz-SignedHeaders".to_owned(), Some("policy".to_owned())));
            match sigv4::Claim::from_query(&query) {
                Ok(claim) => Ok(Some(Evidence::V4(claim))),
                Err(sigv4::ClaimError::Query(QueryFault::Lacking(name))) => Err(lacking(name)),
                Err(fault) => Err(refuse(Fault::V4(fault))),
            }
        }
        (false, true) => {
            let lacks = |name: &'static str| fields.given(name).is_none().then_some(name);
            if let Some(name) = lacks("AWSAccessKeyId").or_else(|| lacks("signature")) {
                return Err(lacking(name));
            }
            let mut query: Vec<_> = [
                ("AWSAccessKeyId", "AWSAccessKeyId"),
                ("Signature", "signature"),
                ("x-amz-security-token", "x-amz-security-token"),
            ]
            .into_iter()
            .filter_map(|(name, field)| pair(name, field))
            .collect();
            // Until when it is good, the policy says.
            query.push(("Expires".to_owned(), Some("0".to_owned())));
            sigv2::Claim::from_query(&query)
                .map(|claim| Some(Evidence::V2(claim)))
                .map_err(|fault| refuse(Fault::V2(fault)))
        }
    }
}

/// S3's refusal of a form in which a field is not there, or not before the file.
pub(super) fn lacking(name: &str) -> ServiceError {
    let text = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    argument(&text, name, "")
}
