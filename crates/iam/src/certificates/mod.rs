//! Certificates: those that users sign requests to old services with, and those that servers show to their clients.
//! Not here: whether anybody trusts them.

mod pem;
mod server;
mod server_record;
mod server_tags;
mod signing;
mod signing_record;

/// The DER of the one certificate of a text; none if it is none.
#[cfg(feature = "hostile")]
pub(crate) fn read_certificate(text: &str) -> Option<Vec<u8>> {
    pem::certificate(text).ok().map(|facts| facts.der)
}

pub use server_record::ServerCertificateRecord;
pub(crate) use signing::has_signing_certificates;
pub use signing_record::SigningCertificateRecord;
