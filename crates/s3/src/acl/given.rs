//! The list that a request gives: by a canned name, by headers of grants, or by a document.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html>.

use std::cell::OnceCell;
use std::collections::HashMap;

use api::s3::{AccessControlPolicy, Grant as GivenGrant, Grantee as GivenGrantee};
use ids::AccountId;
use service::Cx;
use store::View;

use super::error::AclError;
use super::record::{Acl, Grant, Grantee, Permission};
use super::shown::{ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY};
use crate::S3Error;
use crate::owner::canonical_id;

/// The most grants of a list.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>.
const MAX_GRANTS: usize = 100;

/// The headers that say a list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AclHeaders<'a> {
    /// `x-amz-acl`.
    pub canned: Option<&'a str>,
    /// `x-amz-grant-full-control`.
    pub full_control: Option<&'a str>,
    /// `x-amz-grant-read`.
    pub read: Option<&'a str>,
    /// `x-amz-grant-read-acp`.
    pub read_acp: Option<&'a str>,
    /// `x-amz-grant-write`.
    pub write: Option<&'a str>,
    /// `x-amz-grant-write-acp`.
    pub write_acp: Option<&'a str>,
}

impl<'a> AclHeaders<'a> {
    /// The condition keys that they are, with their values.
    pub(crate) fn keys(&self) -> [(&'static str, Option<&'a str>); 6] {
        [
            ("s3:x-amz-acl", self.canned),
            ("s3:x-amz-grant-full-control", self.full_control),
            ("s3:x-amz-grant-read", self.read),
            ("s3:x-amz-grant-read-acp", self.read_acp),
            ("s3:x-amz-grant-write", self.write),
            ("s3:x-amz-grant-write-acp", self.write_acp),
        ]
    }

    /// Whether any is there.
    pub(crate) fn is_given(&self) -> bool {
        self.keys().iter().any(|(_, value)| value.is_some())
    }

    fn grants(&self) -> impl Iterator<Item = (&'static str, Permission, &'a str)> {
        let all = [
            ("x-amz-grant-full-control", Permission::FullControl, self.full_control),
            ("x-amz-grant-read", Permission::Read, self.read),
            ("x-amz-grant-read-acp", Permission::ReadAcp, self.read_acp),
            ("x-amz-grant-write", Permission::Write, self.write),
            ("x-amz-grant-write-acp", Permission::WriteAcp, self.write_acp),
        ];
        all.into_iter().filter_map(|(name, permission, header)| Some((name, permission, header?)))
    }
}

/// What a list is read for.
pub(super) struct Reader<'a> {
    view: &'a View,
    cx: &'a Cx,
    /// Who owns what it is the list of.
    owner: &'a AccountId,
    /// Who owns the bucket.
    bucket_owner: &'a AccountId,
    /// Whether it is the list of a bucket.
    is_bucket: bool,
    accounts: OnceCell<HashMap<String, AccountId>>,
}

impl<'a> Reader<'a> {
    /// A reader of lists of objects that `owner` owns, in a bucket of `bucket_owner`'s.
    pub(super) fn new(view: &'a View, cx: &'a Cx, owner: &'a AccountId, bucket_owner: &'a AccountId) -> Self {
        Self { view, cx, owner, bucket_owner, is_bucket: false, accounts: OnceCell::new() }
    }

    /// The same for lists of buckets.
    pub(super) fn of_bucket(view: &'a View, cx: &'a Cx, owner: &'a AccountId) -> Self {
        Self { is_bucket: true, ..Self::new(view, cx, owner, owner) }
    }
}

impl Reader<'_> {
    /// The list that headers say; none if they say none.
    ///
    /// # Errors
    /// [`S3Error::InvalidArgument`], [`S3Error::InvalidRequest`] for two kinds of headers at once, [`AclError`].
    pub(super) fn headers(&self, headers: &AclHeaders<'_>) -> Result<Option<Acl>, S3Error> {
        let mut grants = Vec::new();
        for (name, permission, header) in headers.grants() {
            if headers.canned.is_some() {
                let text = "Specifying both Canned ACLs and Header Grants is not allowed";
                return Err(S3Error::InvalidRequest(text.to_owned()));
            }
            for grantee in self.grantees(name, header)? {
                grants.push(Grant { grantee, permission });
            }
        }
        match headers.canned {
            Some(canned) => self.canned(canned).map(Some),
            None if headers.is_given() => bounded(grants).map(Some),
            None => Ok(None),
        }
    }

    /// The list of a canned name.
    fn canned(&self, name: &str) -> Result<Acl, S3Error> {
        let to = |grantee, permission| Grant { grantee, permission };
        let is_own = self.owner == self.bucket_owner;
        let mut grants = vec![Grant::full_control(self.owner)];
        match name {
            "private" => {}
            "public-read" => grants.push(to(Grantee::Everyone, Permission::Read)),
            "public-read-write" => {
                grants.extend([to(Grantee::Everyone, Permission::Read), to(Grantee::Everyone, Permission::Write)]);
            }
            "authenticated-read" => grants.push(to(Grantee::Authenticated, Permission::Read)),
            "aws-exec-read" => grants.push(to(Grantee::Ec2, Permission::Read)),
            "log-delivery-write" if self.is_bucket => grants
                .extend([to(Grantee::LogDelivery, Permission::Write), to(Grantee::LogDelivery, Permission::ReadAcp)]),
            // Of a bucket they are ignored.
            "bucket-owner-read" | "bucket-owner-full-control" if self.is_bucket || is_own => {}
            "bucket-owner-read" => grants.push(to(Grantee::Account(self.bucket_owner.clone()), Permission::Read)),
            "bucket-owner-full-control" => grants.push(Grant::full_control(self.bucket_owner)),
            other => {
                return Err(S3Error::argument("x-amz-acl", other, "The specified canned ACL is not valid"));
            }
        }
        Ok(Acl { grants })
    }

    /// Whom the header of this name names, such as `id="…", uri="…"`.
    fn grantees(&self, name: &'static str, header: &str) -> Result<Vec<Grantee>, S3Error> {
        let named = header.split(',').map(str::trim).filter(|one| !one.is_empty());
        let grantees = named.map(|one| {
            let unknown = || S3Error::argument(name, one, "Argument format not recognized");
            let (kind, value) = one.split_once('=').ok_or_else(unknown)?;
            let value = value.trim().trim_matches(['"', '\'']);
            match &*kind.trim().to_ascii_lowercase() {
                "id" => self.account(value, "id").map(Grantee::Account),
                "uri" => group(value, "uri"),
                "emailaddress" => Err(AclError::UnresolvableGrant(value.to_owned()).into()),
                _ => Err(unknown()),
            }
        });
        grantees.collect()
    }

    /// The list of a document.
    ///
    /// # Errors
    /// [`AclError`], [`S3Error::InvalidArgument`], and [`S3Error::AccessDenied`] for one that gives the thing away.
    pub(super) fn document(&self, document: &AccessControlPolicy) -> Result<Acl, S3Error> {
        let owner = document.owner.as_ref().and_then(|owner| owner.id.as_deref());
        let owner = owner.ok_or(AclError::Malformed)?;
        let grants = document.grants.as_deref().unwrap_or_default();
        if self.account(owner, "CanonicalUser/ID")? != *self.owner {
            return Err(S3Error::AccessDenied);
        }
        let grants = grants.iter().map(|grant| self.grant(grant)).collect::<Result<Vec<_>, _>>()?;
        bounded(grants)
    }

    fn grant(&self, grant: &GivenGrant) -> Result<Grant, S3Error> {
        let permission = grant.permission.as_deref().and_then(Permission::named).ok_or(AclError::Malformed)?;
        let grantee = grant.grantee.as_ref().ok_or(AclError::Malformed)?;
        Ok(Grant { grantee: self.grantee(grantee)?, permission })
    }

    fn grantee(&self, grantee: &GivenGrantee) -> Result<Grantee, S3Error> {
        let given = |text: &Option<String>| text.clone().ok_or(AclError::Malformed);
        match &*grantee.r#type {
            "CanonicalUser" => {
                let id = given(&grantee.id)?;
                if id == EC2 {
                    return Ok(Grantee::Ec2);
                }
                self.account(&id, "CanonicalUser/ID").map(Grantee::Account)
            }
            "Group" => group(&given(&grantee.uri)?, "Group/URI"),
            "AmazonCustomerByEmail" => Err(AclError::UnresolvableGrant(given(&grantee.email_address)?).into()),
            _ => Err(AclError::Malformed.into()),
        }
    }

    /// The accounts of the region by their canonical user ids.
    fn accounts(&self) -> Result<&HashMap<String, AccountId>, S3Error> {
        if let Some(known) = self.accounts.get() {
            return Ok(known);
        }
        let accounts = self.cx.directory().accounts(self.view)?;
        let accounts = accounts.into_iter().map(|account| (canonical_id(&account), account)).collect();
        Ok(self.accounts.get_or_init(|| accounts))
    }

    fn account(&self, id: &str, name: &'static str) -> Result<AccountId, S3Error> {
        let found = self.accounts()?.get(id).cloned();
        found.ok_or_else(|| S3Error::argument(name, id, "Invalid id"))
    }
}

/// The canonical user that `aws-exec-read` grants to.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>, as AWS shows it.
pub(super) const EC2: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

fn group(uri: &str, name: &'static str) -> Result<Grantee, S3Error> {
    match uri {
        ALL_USERS => Ok(Grantee::Everyone),
        AUTHENTICATED_USERS => Ok(Grantee::Authenticated),
        LOG_DELIVERY => Ok(Grantee::LogDelivery),
        other => Err(S3Error::argument(name, other, "Invalid group uri")),
    }
}

fn bounded(grants: Vec<Grant>) -> Result<Acl, S3Error> {
    if grants.len() > MAX_GRANTS { Err(AclError::Malformed.into()) } else { Ok(Acl { grants }) }
}
