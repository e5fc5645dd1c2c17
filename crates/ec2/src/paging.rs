//! `MaxResults` and `NextToken` of `Describe` operations.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination>.

use std::fmt::Debug;

use service::Pages;

use crate::Ec2Error;

/// Which part of a list is asked for.
pub(crate) struct Page<'a> {
    pages: Pages<'a>,
    operation: &'static str,
    /// What the call asks for beside pages; a token is good for the same question alone.
    asked: String,
    after: Option<String>,
    limit: usize,
}

impl<'a> Page<'a> {
    /// Reads the paging parameters of `operation`. `asked` are its filters and whatever else chooses what is listed;
    /// `names_ids` says whether the call names ids, which excludes `MaxResults`.
    ///
    /// # Errors
    /// `InvalidParameterValue` outside 5 to 1000, `InvalidParameterCombination` with ids, `InvalidNextToken` for a
    /// token that this operation did not give this account for the same question.
    pub(crate) fn read(
        pages: Pages<'a>,
        operation: &'static str,
        asked: &impl Debug,
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
        let asked = format!("{asked:?}");
        let after = match next_token.filter(|token| !token.is_empty()) {
            Some(token) => {
                let after = pages.open(&["ec2", operation, &asked], token);
                Some(after.ok_or_else(|| Ec2Error::refused("InvalidNextToken", "The token is not valid."))?)
            }
            None => None,
        };
        Ok(Self { pages, operation, asked, after, limit })
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
        let scope = ["ec2", self.operation, &self.asked];
        let token = page.last().map(|last| self.pages.seal(&scope, &key(last)));
        (page, token)
    }
}

#[cfg(test)]
mod tests {
    use service::{PageTokens, Pages};

    use super::Page;

    #[test]
    fn pages_cover_the_list_once() {
        let (tokens, account) = (PageTokens::new(b"key"), "111111111111".parse().unwrap());
        let items: Vec<String> = (0..23).map(|number| format!("{number:03}")).collect();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let pages = Pages::new(&tokens, &account);
            let page = Page::read(pages, "X", &"", Some(5), token.as_deref(), false).unwrap();
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
        let (tokens, ours, theirs) =
            (PageTokens::new(b"key"), "111111111111".parse().unwrap(), "222222222222".parse().unwrap());
        let ours = Pages::new(&tokens, &ours);
        let read = |pages, operation, asked: &str, count, token: Option<&str>, names_ids| {
            Page::read(pages, operation, &asked, count, token, names_ids).map(drop).map_err(|error| error.to_string())
        };
        assert!(read(ours, "X", "", Some(4), None, false).is_err());
        assert!(read(ours, "X", "", Some(1001), None, false).is_err());
        assert!(read(ours, "X", "", Some(5), None, true).is_err());
        let page = Page::read(ours, "X", &"a", Some(5), None, false).unwrap();
        let (_, token) = page.cut((0..9).collect(), |n| format!("{n}"));
        let token = token.as_deref();
        assert!(read(ours, "X", "a", None, token, false).is_ok());
        assert!(read(ours, "X", "a", None, Some(""), false).is_ok(), "an empty token is none");
        for (pages, operation, asked, token) in [
            (ours, "X", "a", Some("nonsense")),
            (ours, "Y", "a", token),
            (ours, "X", "b", token),
            (Pages::new(&tokens, &theirs), "X", "a", token),
        ] {
            assert!(read(pages, operation, asked, None, token, false).is_err(), "{operation} {asked}");
        }
    }
}
