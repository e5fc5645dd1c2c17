//! `iam:CreateAccountAlias`, `iam:DeleteAccountAlias`, `iam:ListAccountAliases`: one name for an account, which no other
//! account of the region has.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>.

use api::iam::{
    CreateAccountAlias, CreateAccountAliasRequest, DeleteAccountAlias, DeleteAccountAliasRequest, ListAccountAliases,
    ListAccountAliasesRequest, ListAccountAliasesResponse,
};
use ids::AccountId;
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, IndexEntry, Record, StoreError, View};

use crate::paging::Page;
use crate::{Iam, IamError};

/// An alias of an account, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRecord {
    /// The alias.
    pub alias: String,
    /// Whose it is.
    pub account: AccountId,
}

impl Record for AliasRecord {
    const TABLE: &'static str = "identity/alias";
    const VERSION: u16 = 1;
    type Key = String;
    const INDEXES: &'static [&'static str] = &["account"];

    fn key(&self) -> String {
        self.alias.clone()
    }

    fn index_keys(&self) -> Vec<IndexEntry> {
        vec![IndexEntry::new("account", self.account.clone())]
    }
}

/// The alias of an account, if it has one.
fn of(view: &View, account: &AccountId) -> Result<Option<AliasRecord>, StoreError> {
    Ok(view.by_index::<AliasRecord>("account", account.clone(), None, 1)?.pop())
}

impl Operation<Iam> for CreateAccountAlias {
    type Error = IamError;

    fn needs(_input: &CreateAccountAliasRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:CreateAccountAlias")])
    }

    /// "An AWS account can have only one alias": a new one takes the place of the old one.
    fn apply(input: &CreateAccountAliasRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let alias = &input.account_alias;
        if view.contains::<AliasRecord>(alias)? {
            return Err(IamError::EntityAlreadyExists(format!("The account alias {alias} already exists.")));
        }
        let mut changes = Changes::new();
        if let Some(old) = of(view, &cx.account)? {
            changes.delete::<AliasRecord>(&old.alias);
        }
        changes.put(&AliasRecord { alias: alias.clone(), account: cx.account.clone() })?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for DeleteAccountAlias {
    type Error = IamError;

    fn needs(_input: &DeleteAccountAliasRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:DeleteAccountAlias")])
    }

    fn apply(input: &DeleteAccountAliasRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let alias = &input.account_alias;
        let found = view.get::<AliasRecord>(alias)?.filter(|found| found.account == cx.account);
        if found.is_none() {
            return Err(IamError::NoSuchEntity(format!("The account alias {alias} cannot be found.")));
        }
        let mut changes = Changes::new();
        changes.delete::<AliasRecord>(alias);
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListAccountAliases {
    type Error = IamError;

    fn needs(_input: &ListAccountAliasesRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:ListAccountAliases")])
    }

    fn apply(
        input: &ListAccountAliasesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListAccountAliasesResponse>, IamError> {
        let page = Page::read(cx, "ListAccountAliases", &[], input.max_items, input.marker.as_deref())?;
        let aliases = of(view, &cx.account)?.into_iter().map(|alias| alias.alias).collect();
        let page = page.of_list(aliases, String::clone);
        let is_truncated = page.is_truncated();
        Ok(Applied::read(ListAccountAliasesResponse { account_aliases: page.items, is_truncated, marker: page.marker }))
    }
}
