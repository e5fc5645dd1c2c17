//! Conditions: an operator, a key, and the values it is compared with.
//! Rules: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>.
//! Not here: which keys a service knows.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::Context;
use crate::operator::{Operator, Set, Test};
use crate::pattern::{Pattern, Wildcards};
use crate::values::{Date, Network, Number};

/// One operator applied to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    /// As it is written.
    pub(crate) key: String,
    lower: String,
    /// As they are written.
    pub(crate) written: Vec<String>,
    values: Values,
}

/// The values of a condition, ready for its test.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    Texts(Vec<Pattern>),
    Numbers(Vec<Number>),
    Dates(Vec<Date>),
    Networks(Vec<Network>),
}

/// A value that its operator cannot compare, such as a word where a number must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit;

impl Condition {
    /// Makes a condition ready.
    pub(crate) fn new(operator: Operator, key: &str, written: Vec<String>, has_variables: bool) -> Result<Self, Unfit> {
        fn all<T>(written: &[String], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Unfit> {
            written.iter().map(|text| read(text).ok_or(Unfit)).collect()
        }
        let texts = |wildcards, has_variables| {
            Values::Texts(written.iter().map(|text| Pattern::new(text, wildcards, has_variables)).collect())
        };
        let values = match operator.test {
            Test::StringEquals | Test::StringEqualsIgnoreCase => texts(Wildcards::None, has_variables),
            Test::StringLike => texts(Wildcards::Text, has_variables),
            Test::Arn => texts(Wildcards::Parts, has_variables),
            Test::Bool => texts(Wildcards::None, has_variables),
            Test::Binary | Test::Null => texts(Wildcards::None, false),
            Test::Numeric(_) => Values::Numbers(all(&written, Number::read)?),
            Test::Date(_) => Values::Dates(all(&written, Date::read)?),
            Test::Ip => Values::Networks(all(&written, Network::read)?),
        };
        Ok(Self { operator, key: key.to_owned(), lower: key.to_ascii_lowercase(), written, values })
    }

    /// The key in lower case.
    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    /// The keys of its variables, as they are written.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.patterns().iter().flat_map(Pattern::variables).map(|variable| variable.key.as_str())
    }

    fn patterns(&self) -> &[Pattern] {
        if let Values::Texts(patterns) = &self.values { patterns } else { &[] }
    }

    /// Whether it holds. Says each key that was asked for in vain.
    pub(crate) fn holds<'a>(&'a self, context: &Context, missing: &mut impl FnMut(&'a str)) -> bool {
        for variable in self.patterns().iter().flat_map(Pattern::variables) {
            if variable.is_missing(context) {
                missing(&variable.key);
            }
        }
        let known = context.get_lower(&self.lower);
        if known.is_none() {
            missing(&self.key);
        }
        let values = known.unwrap_or_default();
        if self.operator.test == Test::Null {
            let is_null = if values.is_empty() { "true" } else { "false" };
            return self.patterns().iter().any(|wanted| is_text(wanted, is_null, context));
        }
        // For sets, empty texts are as good as nothing.
        let is_null = match self.operator.set {
            Set::None => values.is_empty(),
            Set::All | Set::Any => values.iter().all(String::is_empty),
        };
        if is_null {
            return self.operator.holds_without_value();
        }
        let is_negated = self.operator.is_negated;
        // "If AWS cannot resolve a variable, this might cause the entire statement to be invalid": what is said not to be
        // equal to nothing known does not hold either.
        if is_negated && !self.patterns().iter().all(|pattern| pattern.is_resolved(context)) {
            return false;
        }
        let holds = |value: &String| self.is_one(value, context) != is_negated;
        match self.operator.set {
            Set::All => values.iter().all(holds),
            Set::Any => values.iter().any(holds),
            Set::None if is_negated => values.iter().all(holds),
            Set::None => values.iter().any(holds),
        }
    }

    /// Whether a value is one of those of the policy, in the sense of the test without its negation.
    fn is_one(&self, value: &str, context: &Context) -> bool {
        match (&self.values, self.operator.test) {
            (Values::Texts(patterns), test) => patterns.iter().any(|wanted| match test {
                Test::StringEquals => is_text(wanted, value, context),
                Test::StringEqualsIgnoreCase => {
                    wanted.text(context).is_some_and(|wanted| is_same_but_for_case(&wanted, value))
                }
                Test::Bool => wanted.text(context).is_some_and(|wanted| wanted.eq_ignore_ascii_case(value)),
                Test::Binary => wanted
                    .text(context)
                    .is_some_and(|wanted| wanted.trim_end_matches('=') == value.trim_end_matches('=')),
                _ => wanted.matches(value, context),
            }),
            (Values::Numbers(numbers), Test::Numeric(order)) => {
                Number::read(value).is_some_and(|value| numbers.iter().any(|wanted| order.is(value.compare(wanted))))
            }
            (Values::Dates(dates), Test::Date(order)) => {
                Date::read(value).is_some_and(|value| dates.iter().any(|wanted| order.is(value.cmp(wanted))))
            }
            (Values::Networks(networks), _) => {
                value.parse::<IpAddr>().is_ok_and(|address| networks.iter().any(|network| network.contains(address)))
            }
            (Values::Numbers(_) | Values::Dates(_), _) => false,
        }
    }

    /// Whether it binds the key to values that are said in the policy, without wildcards or variables.
    pub(crate) fn is_fixed(&self) -> bool {
        let is_equal = matches!(self.operator.test, Test::StringEquals | Test::StringLike | Test::Arn | Test::Ip);
        let is_strict = !self.operator.is_negated && !self.operator.if_exists && self.operator.set != Set::All;
        let is_said = match &self.values {
            Values::Texts(patterns) => patterns.iter().all(|pattern| matches!(pattern, Pattern::Exact(_))),
            Values::Networks(networks) => {
                networks.iter().all(|network| network.prefix() >= if network.is_v4() { 8 } else { 32 })
            }
            Values::Numbers(_) | Values::Dates(_) => false,
        };
        is_equal && is_strict && is_said && !self.written.is_empty()
    }
}

fn is_text(wanted: &Pattern, value: &str, context: &Context) -> bool {
    match wanted {
        Pattern::Exact(exact) => **exact == *value,
        _ => wanted.text(context).is_some_and(|wanted| *wanted == *value),
    }
}

fn is_same_but_for_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || (!one.is_ascii() && one.to_lowercase() == other.to_lowercase())
}

/// What an order must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn is(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}
