//! `Filter` parameters of `Describe` operations.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>.

use api::ec2::Filter;

use crate::Ec2Error;

/// Most filters of one call, and most values of one filter.
const MAX_FILTERS: usize = 200;

/// The filters of one call: all must match, each by any of its values.
pub(crate) struct Filters(Vec<(String, Vec<String>)>);

/// What of a resource a filter compares, by the filter's name.
pub(crate) trait Facts {
    /// The values that the resource has for a filter name other than `tag:…` and `tag-key`.
    fn values(&self, name: &str) -> Vec<String>;

    /// The resource's tags.
    fn tags(&self) -> &[(String, String)];
}

impl Filters {
    /// Reads the filters of a call. `known` are the names that the operation takes; `tag:<key>` and `tag-key` are
    /// always taken.
    ///
    /// # Errors
    /// `InvalidParameterValue` for an unknown name or no values, `FilterLimitExceeded` for too many.
    pub(crate) fn read(given: Option<&Vec<Filter>>, known: &[&str]) -> Result<Self, Ec2Error> {
        let given = given.map_or(&[][..], Vec::as_slice);
        if given.len() > MAX_FILTERS {
            return Err(Ec2Error::refused("FilterLimitExceeded", "The maximum number of filter values is 200."));
        }
        let mut filters = Vec::with_capacity(given.len());
        for filter in given {
            let name = filter.name.clone().unwrap_or_default();
            let values = filter.values.clone().unwrap_or_default();
            if !known.contains(&name.as_str()) && !name.starts_with("tag:") && name != "tag-key" {
                return Err(Ec2Error::invalid_value(format!("The filter '{name}' is invalid")));
            }
            if values.is_empty() {
                return Err(Ec2Error::invalid_value(format!("The filter '{name}' has no values")));
            }
            if values.len() > MAX_FILTERS {
                return Err(Ec2Error::refused("FilterLimitExceeded", "The maximum number of filter values is 200."));
            }
            filters.push((name, values));
        }
        Ok(Self(filters))
    }

    /// Whether a resource passes all filters.
    pub(crate) fn matches(&self, resource: &impl Facts) -> bool {
        self.0.iter().all(|(name, wanted)| {
            let has: Vec<String> = if let Some(key) = name.strip_prefix("tag:") {
                resource.tags().iter().filter(|(own, _)| own == key).map(|(_, value)| value.clone()).collect()
            } else if name == "tag-key" {
                resource.tags().iter().map(|(key, _)| key.clone()).collect()
            } else {
                resource.values(name)
            };
            has.iter().any(|value| wanted.iter().any(|pattern| is_like(pattern, value)))
        })
    }
}

/// Whether a value fits a pattern with `*` (any run), `?` (any one) and `\` (the next character itself).
/// Runs in the product of the lengths at worst.
pub(crate) fn is_like(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut p, mut v) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while v < value.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, v));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('\\') if pattern.get(p + 1) == Some(&value[v]) => Some(2),
            Some(own) if *own == value[v] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                v += 1;
            }
            (None, Some((after, from))) => {
                star = Some((after, from + 1));
                p = after;
                v = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns() {
        for (pattern, value, fits) in [
            ("", "", true),
            ("*", "", true),
            ("abc", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*b*", "abxb", true),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(is_like(pattern, value), fits, "{pattern} {value}");
        }
    }
}
