//! Whom a request names, and whether it is true.

use std::sync::Arc;

use http::request::Parts;
use iam::Credential;
use jiff::Timestamp;
use wire::sigv4::{Claim, ClaimError};
use wire::{Protocol, ServiceError};

use crate::authenticate::{Expected, Proven, prove};
use crate::front::Edge;
use crate::refuse::{Refusal, refusal_error};
use crate::rest::names_mechanism;
use crate::trace::Trace;

impl Edge {
    /// The credential that a request names, not yet proven; none for a request that S3 may take unsigned.
    pub(crate) fn identify<'a>(
        &self,
        claim: &'a Result<Claim, ClaimError>,
        parts: &Parts,
        trace: &Trace,
    ) -> Result<Option<(&'a Claim, Arc<Credential>)>, ServiceError> {
        let refuse = |refusal: Refusal| refusal_error(trace.protocol, refusal, claim.as_ref().ok());
        if names_mechanism(parts.uri.query().unwrap_or_default()) {
            let is_alone = matches!(claim, Err(ClaimError::Missing));
            return Err(refuse(if is_alone { Refusal::Presigned } else { Refusal::TwoMechanisms }));
        }
        let claim = match claim {
            Ok(claim) => claim,
            Err(ClaimError::Missing) if trace.protocol == Protocol::RestXml => return Ok(None),
            Err(cause) => return Err(refuse(Refusal::Claim(cause.clone()))),
        };
        let credential = self.credentials.find(&claim.access_key).map_err(ServiceError::internal)?;
        Ok(Some((claim, credential.ok_or_else(|| refuse(Refusal::UnknownKey))?)))
    }

    /// The caller, once the signature matches.
    pub(crate) fn prove(
        &self,
        (claim, credential): (&Claim, Arc<Credential>),
        parts: &Parts,
        payload: &str,
        trace: &mut Trace,
    ) -> Result<Proven, ServiceError> {
        let expected = Expected { protocol: trace.protocol, region: &self.region, now: Timestamp::now(), payload };
        let proven = prove(claim, &credential, &self.keys, parts, &expected)
            .map_err(|refusal| refusal_error(trace.protocol, refusal, Some(claim)))?;
        trace.seen.caller = Some(proven.caller.clone());
        trace.account = proven.caller.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        Ok(proven)
    }
}
