//! Identity: accounts, users, groups, roles and their policies, access keys and sessions, who a key belongs to, and what
//! its owner may do. The services IAM and STS answer from here.
//! Not here: signatures (the edge compares them); the language of policies, which is `policy`'s.
#![forbid(unsafe_code)]

mod access;
mod account;
mod accounts;
mod authorize;
mod bind_iam;
mod bind_organizations;
mod bind_sts;
mod certificates;
mod counts;
mod credential;
mod details;
mod error;
mod groups;
mod guesses;
mod holder;
#[cfg(feature = "hostile")]
pub mod hostile;
mod iam;
mod instance_profiles;
mod keys;
mod login;
#[allow(dead_code, reason = "its users come")]
mod managed;
mod mfa;
mod names;
mod needs;
mod organizations;
mod paging;
mod passwords;
mod policies;
mod principals;
mod providers;
mod report;
mod roles;
mod saml;
mod service_credentials;
mod sessions;
mod simulate;
mod ssh_keys;
mod sts;
mod tables;
mod tags;
#[cfg(test)]
#[allow(dead_code, reason = "its users come")]
mod tests;
mod users;
mod uses;

pub use access::{AccessJobRecord, LastUse, ServiceUseRecord};
pub use account::AliasRecord;
pub use accounts::{AccountRecord, AccountStatus, create_account, first_account};
pub use authorize::{MessageKeyRecord, PolicyAuthorizer, make_message_key};
pub use certificates::{ServerCertificateRecord, SigningCertificateRecord};
pub use counts::CountRecord;
pub use credential::{Credential, TokenFault};
pub use error::IamError;
pub use groups::{GroupRecord, MembershipRecord};
pub use guesses::{GuessReconciler, GuessRecord};
pub use iam::Iam;
pub use instance_profiles::InstanceProfileRecord;
pub use keys::{AccessKeyRecord, KeyOwner, KeyStatus, NewAccessKey, find_credential, root_keys};
pub use login::{Entered, LOGIN_BYTES, LoginError, LoginRequest, LogoutRequest, Try, begin, enter, leave};
pub use mfa::{MfaDeviceRecord, MfaHolder};
pub use organizations::{
    AccountRequestRecord, HandshakeRecord, HandshakeState, MemberRecord, OrganizationRecord, Organizations,
    RequestState, ScpRecord, TargetRecord, UnitRecord, finish_account,
};
pub use passwords::{LoginProfileRecord, PasswordPolicyRecord, PasswordUseRecord};
pub use policies::{AttachmentRecord, InlinePolicyRecord, PolicyRecord, PolicyVersionRecord};
pub use providers::{OidcProviderRecord, SamlKey, SamlProviderRecord};
pub use report::CredentialReportRecord;
pub use roles::{RoleDeletionRecord, RoleRecord, TrustedRecord};
pub use service_credentials::ServiceCredentialRecord;
pub use sessions::{
    InstanceRole, SESSION_BYTES, SessionHolder, SessionPolicyText, SessionReconciler, SessionRecord, access_key_id,
    account_of_access_key, new_session,
};
pub use ssh_keys::SshPublicKeyRecord;
pub use sts::{Fetch, FetchError, NoFetch, Sts, is_within_reach};
pub use tables::prepare;
pub use users::UserRecord;
pub use uses::{KeyUseRecord, LastUses};
