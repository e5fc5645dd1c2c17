//! Identity: accounts, access keys, who a key belongs to, and what its owner may do. STS answers from here too.
//! Not here yet: users, roles and policies (an access key may belong to a user, who then may do nothing, as a user
//! without policies may not); signatures (the edge compares them).
#![forbid(unsafe_code)]

mod accounts;
mod authorizer;
mod bind_sts;
mod credential;
mod error;
mod keys;
mod sts;
mod tables;

pub use accounts::{AccountRecord, AccountStatus, create_account, first_account};
pub use authorizer::OwnerAuthorizer;
pub use credential::{Credential, TokenFault};
pub use error::IamError;
pub use keys::{AccessKeyRecord, KeyOwner, KeyStatus, NewAccessKey, find_credential};
pub use sts::Sts;
pub use tables::prepare;
