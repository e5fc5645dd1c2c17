//! How people sign in: with a password and, if they have an MFA device, a code; for a session that ends by itself.
//! Not here: HTTP, and what the tool of the person does with the session.

mod enter;
mod leave;
mod request;
mod tries;

pub use enter::{Entered, LOGIN_BYTES, enter};
pub use leave::leave;
pub use request::{LoginError, LoginRequest, LogoutRequest};
pub use tries::{Try, begin};
