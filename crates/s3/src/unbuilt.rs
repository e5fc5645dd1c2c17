//! Parameters whose meaning is not built yet. Saying so is better than accepting them and doing less.

use crate::S3Error;

/// Refuses the first header of `headers` that is given.
pub(crate) fn refuse_given(headers: &[(&'static str, bool)]) -> Result<(), S3Error> {
    match headers.iter().find(|(_, is_given)| *is_given) {
        Some((header, _)) => Err(S3Error::NotImplemented(header)),
        None => Ok(()),
    }
}
