//! Who may do what, before there are policies: an account's root may do everything in its own account, a user
//! nothing, and nobody anything in another's.

use api::{Call, Principal};
use service::{Authorizer, Denied, Need, Refusal};
use store::View;

/// Authorises by ownership alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnerAuthorizer;

impl Authorizer for OwnerAuthorizer {
    fn authorize(&self, call: &Call, needs: &[Need], _view: &View) -> Result<(), Denied> {
        let account = call.caller.account.as_ref().map_or("", |account| account.as_str());
        for need in needs {
            let named = need.resource.as_ref().map_or("", |resource| resource.account());
            let owner = need.owner.as_ref().map_or(named, |owner| owner.as_str());
            let is_foreign = !owner.is_empty() && owner != "aws" && owner != account;
            let because = match &call.caller.principal {
                Principal::Root | Principal::Service(_) if !is_foreign => continue,
                Principal::Root | Principal::Service(_) => {
                    format!("because no resource-based policy allows the {} action", need.action)
                }
                Principal::User { .. } | Principal::Role { .. } | Principal::FederatedUser { .. } => {
                    format!("because no identity-based policy allows the {} action", need.action)
                }
                Principal::Anonymous => format!("because no resource-based policy allows the {} action", need.action),
            };
            return Err(Denied::Refused(Box::new(Refusal { need: need.clone(), because, encoded: None })));
        }
        Ok(())
    }
}
