//! Long lists of actions by their service, so that a statement with the actions of hundreds of services, as
//! `ReadOnlyAccess` has it, is compared with a request in the time that one service's take.
//! Not here: what a pattern means.

use crate::Context;
use crate::pattern::Pattern;
use crate::statement::service_of;

/// Shortest list that is worth it.
const LEAST: usize = 16;

/// Where in a list the patterns of each service stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByService {
    /// In the order of the names.
    services: Vec<(String, Vec<usize>)>,
    /// Those that may be of any service.
    others: Vec<usize>,
}

impl ByService {
    /// Of a list of actions in lower case; none for a short one.
    pub(crate) fn new(list: &[Pattern]) -> Option<Self> {
        if list.len() < LEAST {
            return None;
        }
        let mut all = Self { services: Vec::new(), others: Vec::new() };
        for (index, pattern) in list.iter().enumerate() {
            let Some(service) = service_of(pattern) else {
                all.others.push(index);
                continue;
            };
            match all.services.binary_search_by(|(name, _)| name.as_str().cmp(&service)) {
                Ok(at) => all.services[at].1.push(index),
                Err(at) => all.services.insert(at, (service, vec![index])),
            }
        }
        Some(all)
    }

    /// Whether any of the list, which is the one that this was made of, means the action, which is in lower case.
    pub(crate) fn is_any(&self, list: &[Pattern], action: &str, context: &Context) -> bool {
        let is_one = |index: &usize| list.get(*index).is_some_and(|pattern| pattern.matches(action, context));
        let service = action.split_once(':').map_or(action, |(service, _)| service);
        let own = self.services.binary_search_by(|(name, _)| name.as_str().cmp(service));
        own.is_ok_and(|at| self.services[at].1.iter().any(is_one)) || self.others.iter().any(is_one)
    }
}

#[cfg(test)]
mod tests {
    use super::ByService;
    use crate::Context;
    use crate::pattern::{Pattern, Wildcards};

    /// With and without the index the same is meant.
    #[test]
    fn an_index_leaves_nothing_out() {
        let mut texts: Vec<String> = (0..40).map(|number| format!("svc{number}:get*")).collect();
        texts.extend(["s3:listbucket", "s?s:*", "*:describethis", "ec2:*", "svc1:put?"].map(str::to_owned));
        let list: Vec<Pattern> = texts.iter().map(|text| Pattern::new(text, Wildcards::Text, false)).collect();
        let index = ByService::new(&list).unwrap();
        let context = Context::new();
        for action in [
            "s3:listbucket",
            "s3:listbuckets",
            "sns:publish",
            "sqs:a",
            "svc1:get",
            "svc1:put1",
            "svc1:put",
            "svc39:getx",
            "svc40:getx",
            "ec2:x",
            "ec:x",
            "nothing",
            "any:describethis",
            ":describethis",
            "svc1",
            "",
        ] {
            let plain = list.iter().any(|pattern| pattern.matches(action, &context));
            assert_eq!(index.is_any(&list, action, &context), plain, "{action}");
        }
        assert!(ByService::new(&list[..15]).is_none());
    }
}
