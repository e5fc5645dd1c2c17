//! `MaxResults` and `NextToken` of `Describe` operations.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination>.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Ec2Error;

/// Longest token that is looked at.
const MAX_TOKEN: usize = 1024;

/// Which part of a list is asked for.
pub(crate) struct Page {
    operation: &'static str,
    after: Option<String>,
    limit: usize,
}

impl Page {
    /// Reads the paging parameters of `operation`. `names_ids` says whether the call names ids, which excludes
    /// `MaxResults`.
    ///
    /// # Errors
    /// `InvalidParameterValue` outside 5 to 1000, `InvalidParameterCombination` with ids, `InvalidNextToken` for a
    /// token that this operation did not give.
    pub(crate) fn read(
        operation: &'static str,
        max_results: Option<i32>,
        next_token: Option<&str>,
        names_ids: bool,
    ) -> Result<Self, Ec2Error> {
        let limit = match max_results {
            None => 1000,
            Some(_) if names_ids => {
                let text = "The parameter instancesSet cannot be used with the parameter maxResults";
                return Err(Ec2Error::combination(text));
            }
            Some(count) => usize::try_from(count).ok().filter(|count| (5..=1000).contains(count)).ok_or_else(|| {
                Ec2Error::invalid_value(format!(
                    "Value ( {count} ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5 and less than or equal to 1000."
                ))
            })?,
        };
        let after = next_token.filter(|token| !token.is_empty()).map(|token| open(operation, token)).transpose()?;
        Ok(Self { operation, after, limit })
    }

    /// Cuts the page out of the whole list, which is in ascending order of `key`; and the token of the next page.
    pub(crate) fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        if self.after.is_none() && items.len() <= self.limit {
            return (items, None);
        }
        let is_past = |item: &T| self.after.as_ref().is_none_or(|after| key(item) > *after);
        let mut page: Vec<T> = items.into_iter().filter(is_past).take(self.limit + 1).collect();
        if page.len() <= self.limit {
            return (page, None);
        }
        page.truncate(self.limit);
        let token = page.last().map(|last| URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.operation, key(last))));
        (page, token)
    }
}

fn open(operation: &str, token: &str) -> Result<String, Ec2Error> {
    let refused = || Ec2Error::refused("InvalidNextToken", "The token is not valid.");
    let bytes =
        Some(token).filter(|token| token.len() <= MAX_TOKEN).and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
    match text.split_once('\n') {
        Some((own, after)) if own == operation => Ok(after.to_owned()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn pages_cover_the_list_once() {
        let items: Vec<String> = (0..23).map(|number| format!("{number:03}")).collect();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = Page::read("X", Some(5), token.as_deref(), false).unwrap();
            let (part, next) = page.cut(items.clone(), Clone::clone);
            seen.extend(part);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, items);
    }

    #[test]
    fn wrong_parameters_are_refused() {
        assert!(Page::read("X", Some(4), None, false).is_err());
        assert!(Page::read("X", Some(1001), None, false).is_err());
        assert!(Page::read("X", Some(5), None, true).is_err());
        assert!(Page::read("X", None, Some("nonsense"), false).is_err());
        let (_, token) = Page::read("X", Some(5), None, false).unwrap().cut((0..9).collect(), |n| format!("{n}"));
        assert!(Page::read("Y", None, token.as_deref(), false).is_err());
    }
}
