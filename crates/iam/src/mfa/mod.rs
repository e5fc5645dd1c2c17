//! Virtual MFA devices, and the codes that they show. A code is good once.
//! Not here: devices of hardware and FIDO keys, which prove themselves to browsers alone.

mod check;
mod devices;
mod enable;
mod list;
mod qr;
mod record;
mod tags;
mod totp;

pub(crate) use check::{check_code, shows_device};
pub(crate) use devices::has_devices;
pub use record::{MfaDeviceRecord, MfaHolder};

/// The code that a device shows: for tests.
#[cfg(test)]
pub(crate) fn code_at(seed: &str, time: jiff::Timestamp) -> String {
    totp::Codes::of(seed).at(totp::step_at(time))
}
