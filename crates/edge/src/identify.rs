//! Whom a request names, and whether it is true.

use std::sync::Arc;

use http::request::Parts;
use iam::Credential;
use jiff::Timestamp;
use wire::ServiceError;

use crate::authenticate::{Chunks, Expected, Proven, prove};
use crate::dev::Dev;
use crate::evidence::{Claimed, Evidence, Fault};
use crate::front::Edge;
use crate::refuse::{Refusal, refusal_error, unavailable};
use crate::trace::{Family, Trace};

/// Whom a request names.
pub(crate) enum Known<'a> {
    /// The holder of a credential, by this evidence; not yet proven.
    Named(&'a Evidence, Arc<Credential>),
    /// Somebody who is believed without any proof.
    Believed(Arc<Credential>),
}

impl Edge {
    /// The credential that a request names, not yet proven; none for a request that S3 may take unsigned.
    pub(crate) async fn identify<'a>(
        &self,
        claimed: &'a Claimed,
        parts: &Parts,
        trace: &Trace,
    ) -> Result<Option<Known<'a>>, ServiceError> {
        if let Some(dev) = self.dev_for(parts, claimed) {
            let access_key = claimed.as_ref().ok().map(Evidence::access_key);
            if self.is_believed(dev, access_key)? {
                let root = dev.credential(access_key).await.map_err(ServiceError::internal)?;
                return Ok(Some(Known::Believed(root)));
            }
        }
        let refuse = |refusal: Refusal| refusal_error(trace, refusal, claimed.as_ref().ok());
        let evidence = match claimed {
            Ok(evidence) => evidence,
            Err(Fault::Missing) if trace.family() == Family::S3 => return Ok(None),
            Err(fault) => return Err(refuse(Refusal::Claim(fault.clone()))),
        };
        let credential = self.credentials.find(evidence.access_key()).map_err(unavailable)?;
        Ok(Some(Known::Named(evidence, credential.ok_or_else(|| refuse(Refusal::UnknownKey))?)))
    }

    /// Whether the mode believes whoever names this access key: nobody has it here, nor ever had.
    pub(crate) fn is_believed(&self, dev: &Dev, access_key: Option<&str>) -> Result<bool, ServiceError> {
        let Some(access_key) = access_key else { return Ok(true) };
        let is_known = self.credentials.find(access_key).map_err(unavailable)?.is_some();
        Ok(!is_known && !dev.has_given(access_key).map_err(unavailable)?)
    }

    /// The caller, once the signature matches.
    pub(crate) fn prove(
        &self,
        known: Known<'_>,
        parts: &Parts,
        payload: &str,
        trace: &mut Trace,
    ) -> Result<Proven, ServiceError> {
        let proven = match known {
            Known::Believed(credential) => Proven { caller: credential.caller().clone(), chunks: Chunks::Unchecked },
            Known::Named(evidence, credential) => {
                let expected =
                    Expected { family: trace.family(), region: &self.region, now: Timestamp::now(), payload };
                prove(evidence, &credential, parts, &expected)
                    .map_err(|refusal| refusal_error(trace, refusal, Some(evidence)))?
            }
        };
        trace.seen.caller = Some(proven.caller.clone());
        trace.account = proven.caller.account.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        Ok(proven)
    }
}
