//! `MaxResults` and `NextToken`.

use service::Cx;

use super::{invalid, refused};
use crate::IamError;

/// Cuts a page out of a list, which is in ascending order of `key`, and seals the token of the next one. `asked` is what
/// chooses the list: a token is good for the same list alone.
pub(super) fn page<T>(
    cx: &Cx,
    asked: &[&str],
    (limit, token): (Option<i32>, Option<&str>),
    mut items: Vec<T>,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), IamError> {
    const MOST: usize = 20;
    let limit = match limit {
        None => MOST,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MOST).contains(limit))
            .ok_or_else(|| invalid("You specified a value for MaxResults that is out of range."))?,
    };
    let scope = [&["organizations"], asked].concat();
    if let Some(token) = token {
        let text = "You specified an invalid value for NextToken. Get the value from the response to a previous call.";
        let after = cx.pages().open(&scope, token).ok_or_else(|| refused("InvalidInputException", text))?;
        items.retain(|item| key(item) > after);
    }
    if items.len() <= limit {
        return Ok((items, None));
    }
    items.truncate(limit);
    let token = items.last().map(|last| cx.pages().seal(&scope, &key(last)));
    Ok((items, token))
}
