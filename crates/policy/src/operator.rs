//! The operators of conditions, by name.
//! Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
//! Not here: what they do with values.

use crate::condition::Order;

/// An operator with what stands before and behind its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) test: Test,
    pub(crate) is_negated: bool,
    pub(crate) if_exists: bool,
    pub(crate) set: Set,
    name: &'static str,
}

/// What is tested, before it is negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// What an operator says of a key with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    None,
    All,
    Any,
}

const NAMES: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::StringEquals, false),
    ("StringNotEquals", Test::StringEquals, true),
    ("StringEqualsIgnoreCase", Test::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::StringEqualsIgnoreCase, true),
    ("StringLike", Test::StringLike, false),
    ("StringNotLike", Test::StringLike, true),
    ("NumericEquals", Test::Numeric(Order::Equal), false),
    ("NumericNotEquals", Test::Numeric(Order::Equal), true),
    ("NumericLessThan", Test::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Test::Numeric(Order::LessOrEqual), false),
    ("NumericGreaterThan", Test::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Test::Numeric(Order::GreaterOrEqual), false),
    ("DateEquals", Test::Date(Order::Equal), false),
    ("DateNotEquals", Test::Date(Order::Equal), true),
    ("DateLessThan", Test::Date(Order::Less), false),
    ("DateLessThanEquals", Test::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Test::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Order::GreaterOrEqual), false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::Binary, false),
    ("IpAddress", Test::Ip, false),
    ("NotIpAddress", Test::Ip, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnLike", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnNotLike", Test::Arn, true),
    ("Null", Test::Null, false),
];

impl Operator {
    /// The operator of a name, such as `ForAnyValue:StringLikeIfExists`.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let (set, rest) = if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Set::All, rest)
        } else if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Set::Any, rest)
        } else {
            (Set::None, text)
        };
        let (plain, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |plain| (plain, true));
        let &(name, test, is_negated) = NAMES.iter().find(|(name, _, _)| *name == plain)?;
        if test == Test::Null && (if_exists || set != Set::None) {
            return None;
        }
        Some(Self { test, is_negated, if_exists, set, name })
    }

    /// Its whole name.
    pub(crate) fn name(&self) -> String {
        let set = match self.set {
            Set::None => "",
            Set::All => "ForAllValues:",
            Set::Any => "ForAnyValue:",
        };
        format!("{set}{}{}", self.name, if self.if_exists { "IfExists" } else { "" })
    }

    /// Whether it holds for a key that the request does not have.
    pub(crate) fn holds_without_value(&self) -> bool {
        self.if_exists
            || match self.set {
                Set::All => true,
                Set::Any => false,
                Set::None => self.is_negated,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, Operator};

    #[test]
    fn every_operator_is_found_by_its_name_and_says_it() {
        for (name, _, _) in NAMES {
            for text in [
                name.to_owned(),
                format!("{name}IfExists"),
                format!("ForAllValues:{name}"),
                format!("ForAnyValue:{name}IfExists"),
            ] {
                let operator = Operator::named(&text);
                if name == "Null" && text != name {
                    assert_eq!(operator, None, "{text}");
                } else {
                    assert_eq!(operator.map(|operator| operator.name()), Some(text));
                }
            }
        }
        for text in ["", "stringequals", "ForAnyValue::StringEquals", "StringEqualsIfExistsIfExists", "ForAllValues:"] {
            assert_eq!(Operator::named(text), None, "{text}");
        }
    }
}
