//! SAML 2.0: metadata of providers, and assertions with their signatures.
//! Not here: encrypted assertions, and requests of ours to a provider: people come with an assertion, or not at all.

mod assertion;
mod canonical;
mod certificate;
mod metadata;
mod signature;
mod xml;

pub(crate) use assertion::{Assertion, Refusal, read};
pub(crate) use certificate::Key;
pub(crate) use metadata::Metadata;
