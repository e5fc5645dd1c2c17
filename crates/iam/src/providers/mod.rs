//! Identity providers: who may vouch for people and programs that this region does not know.

mod oidc;
mod saml;

pub use oidc::OidcProviderRecord;
pub(crate) use oidc::provider_of_issuer;
pub(crate) use saml::find as find_saml_provider;
pub use saml::{SamlKey, SamlProviderRecord};
