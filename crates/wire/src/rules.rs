//! What AWS's models say of values beside their kind (lengths, ranges, patterns, enums, what must not be missing), and
//! AWS's words for values that break it.
//!
//! Only services whose generated schemas carry rules are checked, by [`crate::call_checked`]; the others pay nothing.
//! Not here: what a model does not say.

use std::fmt::Write as _;
use std::sync::OnceLock;

use regex::Regex;

use crate::error::ServiceError;
use crate::shape::{Kind, Shape};
use crate::value::Value;

/// Most faults that one refusal lists.
const MAX_FAULTS: usize = 64;

/// What a model says of a value beside its kind.
#[derive(Debug)]
pub struct Rule {
    min: Option<i64>,
    max: Option<i64>,
    pattern: Option<Pattern>,
    values: &'static [&'static str],
    is_sensitive: bool,
}

/// A regular expression that a text must match as a whole.
#[derive(Debug)]
struct Pattern {
    /// As the model has it, which is how refusals quote it.
    text: &'static str,
    /// The same in the syntax of the crate `regex`.
    ours: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn matches(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(&format!(r"\A(?:{})\z", self.ours)).ok());
        // A test compiles them all, so there is none that does not compile.
        compiled.as_ref().is_none_or(|compiled| compiled.is_match(value))
    }

    /// What IAM says of the letters of names and paths, instead of quoting the expression.
    fn letters(&self) -> Option<&'static str> {
        match self.text {
            r"[\w+=,.@-]+" => Some("contain only alphanumeric characters and/or the following: +=,.@_-"),
            r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)" | r"\u002F[\u0021-\u007F]*" => {
                Some("begin and end with / and contain only alphanumeric characters and/or / characters.")
            }
            _ => None,
        }
    }
}

impl Rule {
    /// A rule that everything keeps.
    pub const fn new() -> Self {
        Self { min: None, max: None, pattern: None, values: &[], is_sensitive: false }
    }

    /// Texts match as a whole: `text` is the model's expression, and `ours` the same in the syntax of the crate `regex`.
    pub const fn matching(text: &'static str, ours: &'static str) -> Self {
        let pattern = Some(Pattern { text, ours, compiled: OnceLock::new() });
        Self { min: None, max: None, pattern, values: &[], is_sensitive: false }
    }

    /// At least so long, or so much.
    #[must_use]
    pub const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    /// At most so long, or so much.
    #[must_use]
    pub const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    /// One of these.
    #[must_use]
    pub const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    /// Not to be repeated in a refusal.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.is_sensitive = true;
        self
    }

    /// The least length or value.
    pub fn least(&self) -> Option<i64> {
        self.min
    }

    /// The greatest length or value.
    pub fn greatest(&self) -> Option<i64> {
        self.max
    }

    /// The allowed words; empty if any will do.
    pub fn words(&self) -> &'static [&'static str] {
        self.values
    }

    /// The pattern in the syntax of the crate `regex`, if there is one.
    pub fn regex(&self) -> Option<&'static str> {
        self.pattern.as_ref().map(|pattern| pattern.ours)
    }

    /// Whether `value` keeps it; what is within lists and structures has rules of its own.
    pub fn accepts(&self, value: &Value) -> bool {
        self.broken(value).is_empty()
    }

    /// Which of its demands `value` breaks.
    fn broken(&self, value: &Value) -> Vec<Demand<'_>> {
        self.demands(matches!(value, Value::Integer(_))).filter(|demand| !demand.is_met(value)).collect()
    }

    fn demands(&self, is_number: bool) -> impl Iterator<Item = Demand<'_>> {
        let pattern = self.pattern.iter().map(Demand::Pattern);
        let values = (!self.values.is_empty()).then_some(Demand::OneOf(self.values));
        let max = self.max.map(|bound| Demand::AtMost { bound, is_number });
        let min = self.min.map(|bound| Demand::AtLeast { bound, is_number });
        pattern.chain(values).chain(max).chain(min)
    }
}

impl Default for Rule {
    fn default() -> Self {
        Self::new()
    }
}

/// One thing that a rule demands.
enum Demand<'a> {
    Pattern(&'a Pattern),
    OneOf(&'static [&'static str]),
    AtMost { bound: i64, is_number: bool },
    AtLeast { bound: i64, is_number: bool },
}

impl Demand<'_> {
    fn is_met(&self, value: &Value) -> bool {
        let size = match value {
            Value::Integer(number) => *number,
            Value::String(text) => text.chars().count().try_into().unwrap_or(i64::MAX),
            Value::Blob(bytes) => bytes.len().try_into().unwrap_or(i64::MAX),
            Value::List(items) => items.len().try_into().unwrap_or(i64::MAX),
            Value::Map(pairs) => pairs.len().try_into().unwrap_or(i64::MAX),
            Value::Bool(_) | Value::Float(_) | Value::Timestamp(_) | Value::Document(_) | Value::Structure(_) => {
                return true;
            }
        };
        match (self, value) {
            (Self::Pattern(pattern), Value::String(text)) => pattern.matches(text),
            (Self::OneOf(values), Value::String(text)) => values.contains(&text.as_str()),
            (Self::Pattern(_) | Self::OneOf(_), _) => true,
            (Self::AtMost { bound, .. }, _) => size <= *bound,
            (Self::AtLeast { bound, .. }, _) => size >= *bound,
        }
    }

    fn text(&self) -> String {
        let what = |is_number: &bool| if *is_number { "value" } else { "length" };
        match self {
            Self::Pattern(pattern) => format!("Member must satisfy regular expression pattern: {}", pattern.text),
            Self::OneOf(values) => format!("Member must satisfy enum value set: [{}]", values.join(", ")),
            Self::AtMost { bound, is_number } => {
                format!("Member must have {} less than or equal to {bound}", what(is_number))
            }
            Self::AtLeast { bound, is_number } => {
                format!("Member must have {} greater than or equal to {bound}", what(is_number))
            }
        }
    }
}

/// Checks `value` against the rules of `shape` and of all within it.
///
/// # Errors
/// `code` with AWS's list of all that is wrong.
pub(crate) fn check(refusal: Refusal, shape: &Shape, value: &Value) -> Result<(), ServiceError> {
    let Refusal { code, is_terse } = refusal;
    let mut faults = Faults { is_terse, texts: Vec::new(), of_letters: None };
    visit(shape, value, "", &mut faults);
    let Faults { texts: faults, of_letters, .. } = faults;
    if let (true, Some(text)) = (faults.is_empty(), of_letters) {
        return Err(ServiceError::bad_request(code, text));
    }
    if faults.is_empty() {
        return Ok(());
    }
    // Organizations says but this. Source: <https://github.com/boto/boto3/issues/4565> and the reasons of
    // <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html>.
    if code == "InvalidInputException" {
        let is_of_enum = faults.iter().all(|fault| fault.contains("enum value set"));
        let pattern = "You provided a value that does not match the required pattern.";
        return Err(ServiceError::bad_request(
            code,
            if is_of_enum { "You specified an invalid value." } else { pattern },
        ));
    }
    let plural = if faults.len() == 1 { "error" } else { "errors" };
    Err(ServiceError::bad_request(
        code,
        format!("{} validation {plural} detected: {}", faults.len(), faults.join("; ")),
    ))
}

/// How a service refuses values that break its rules.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// The code of the error.
    pub code: &'static str,
    /// Whether its text leaves the values out, as IAM's does since 2026.
    pub is_terse: bool,
}

/// What was found to be wrong.
struct Faults {
    is_terse: bool,
    texts: Vec<String>,
    /// What is wrong with the letters of a name or a path, which is only said if nothing else is wrong.
    of_letters: Option<String>,
}

impl Faults {
    fn add(&mut self, is_sensitive: bool, shape: &Shape, value: &Value, path: &str, text: &str) {
        self.texts.push(if is_sensitive || self.is_terse {
            format!("Value at '{path}' failed to satisfy constraint: {text}")
        } else {
            format!("Value '{}' at '{path}' failed to satisfy constraint: {text}", shown(shape, value))
        });
    }

    fn add_missing(&mut self, path: &str) {
        let what = if self.is_terse { "Value" } else { "Value null" };
        self.texts.push(format!("{what} at '{path}' failed to satisfy constraint: Member must not be null"));
    }
}

fn visit(shape: &Shape, value: &Value, path: &str, faults: &mut Faults) {
    if faults.texts.len() >= MAX_FAULTS {
        return;
    }
    if let Some(rule) = shape.rule {
        for demand in rule.broken(value) {
            if let (true, Demand::Pattern(pattern)) = (faults.is_terse, &demand)
                && let Some(letters) = pattern.letters()
            {
                let text = || format!("The specified value for {path} is invalid. It must {letters}");
                faults.of_letters.get_or_insert_with(text);
                continue;
            }
            faults.add(rule.is_sensitive, shape, value, path, &demand.text());
        }
    }
    match (&shape.kind, value) {
        (Kind::Structure { members, .. }, Value::Structure(_)) => {
            for (index, member) in (0_u16..).zip(*members) {
                let path = join(path, &lower_first(member.name));
                match value.member(index) {
                    Some(inner) => visit(&member.shape, inner, &path, faults),
                    None if member.is_required && member.is_checked => faults.add_missing(&path),
                    None => {}
                }
            }
        }
        (Kind::List { member, .. }, Value::List(items)) => match member.rule {
            // Elements that are no structures have no path of their own: the list is at fault.
            Some(rule) if !matches!(member.kind, Kind::Structure { .. }) => {
                let is_broken = items.iter().any(|item| !rule.broken(item).is_empty());
                if is_broken {
                    let is_number = matches!(member.kind, Kind::Integer | Kind::Long);
                    let mut all: Vec<String> = rule.demands(is_number).map(|demand| demand.text()).collect();
                    if faults.is_terse && rule.pattern.is_some() {
                        // Of names, AWS lists the pattern behind the lengths, and that they must be there.
                        all.rotate_left(1);
                        all.push("Member must not be null".to_owned());
                    }
                    let text = format!("Member must satisfy constraint: [{}]", all.join(", "));
                    faults.add(rule.is_sensitive, shape, value, path, &text);
                }
            }
            _ => {
                for (number, item) in (1..).zip(items) {
                    visit(member, item, &format!("{path}.{number}.member"), faults);
                }
            }
        },
        (Kind::Map { value: inner, .. }, Value::Map(pairs)) => {
            for (key, item) in pairs {
                visit(inner, item, &format!("{path}.{key}.member"), faults);
            }
        }
        _ => {}
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A value as AWS writes it in a refusal.
fn shown(shape: &Shape, value: &Value) -> String {
    if shape.rule.is_some_and(|rule| rule.is_sensitive) {
        return "***".to_owned();
    }
    match (value, &shape.kind) {
        (Value::String(text), _) => text.clone(),
        (Value::Integer(number), _) => number.to_string(),
        (Value::List(items), Kind::List { member, .. }) => {
            let items: Vec<String> = items.iter().map(|item| shown(member, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (Value::Structure(members), Kind::Structure { members: known, .. }) => {
            let mut text = format!("{}(", shape.name);
            for (position, (index, inner)) in members.iter().enumerate() {
                let Some(member) = known.get(usize::from(*index)) else { continue };
                let separator = if position == 0 { "" } else { ", " };
                let inner = if member.is_sensitive { "***".to_owned() } else { shown(&member.shape, inner) };
                let _ = write!(text, "{separator}{}={inner}", lower_first(member.name));
            }
            text + ")"
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Rule, check};
    use crate::shape::{Kind, Member, Shape, scalars};
    use crate::value::Value;

    static NAME_RULE: Rule = Rule::matching(r"[\w-]+", "[0-9A-Za-z_-]+").min(1).max(4);
    static NAME: Shape = Shape::new("nameType", Kind::String).ruled(&NAME_RULE);
    static STATUS_RULE: Rule = Rule::new().values(&["Active", "Inactive"]);
    static STATUS: Shape = Shape::new("statusType", Kind::String).ruled(&STATUS_RULE);
    static COUNT_RULE: Rule = Rule::new().min(1).max(10);
    static COUNT: Shape = Shape::new("maxItemsType", Kind::Integer).ruled(&COUNT_RULE);
    static SECRET_RULE: Rule = Rule::new().min(2).sensitive();
    static SECRET: Shape = Shape::new("passwordType", Kind::String).ruled(&SECRET_RULE);
    static KEYS: Shape = Shape::list("keys", &NAME, None);
    static TAG: Shape = Shape::structure(
        "Tag",
        &[Member::new("Key", &NAME).required().checked(), Member::new("Value", &scalars::STRING)],
    );
    static TAGS_RULE: Rule = Rule::new().max(2);
    static TAGS: Shape = Shape::list("tags", &TAG, None).ruled(&TAGS_RULE);
    static INPUT: Shape = Shape::structure(
        "Input",
        &[
            Member::new("UserName", &NAME).required().checked(),
            Member::new("Status", &STATUS),
            Member::new("MaxItems", &COUNT),
            Member::new("Password", &SECRET).sensitive(),
            Member::new("Keys", &KEYS),
            Member::new("Tags", &TAGS),
        ],
    );

    const QUOTING: Refusal = Refusal { code: "ValidationError", is_terse: false };
    const TERSE: Refusal = Refusal { code: "ValidationError", is_terse: true };

    static ENTITY_RULE: Rule = Rule::matching(r"[\w+=,.@-]+", "[0-9A-Za-z_+=,.@-]+").min(1).max(4);
    static ENTITY: Shape = Shape::new("entityNameType", Kind::String).ruled(&ENTITY_RULE);
    static LATER: Shape = Shape::structure(
        "Later",
        &[
            Member::new("RoleName", &ENTITY).required().checked(),
            Member::new("MaxItems", &COUNT),
            Member::new("Keys", &KEYS),
        ],
    );

    /// As Organizations refuses, which tells nobody what is wrong.
    #[test]
    fn organizations_says_a_sentence_and_no_more() {
        let short = Refusal { code: "InvalidInputException", is_terse: false };
        let pattern = "You provided a value that does not match the required pattern.";
        for value in [vec![(0, text("a b"))], vec![(0, text("abcde"))], vec![]] {
            let error = check(short, &LATER, &Value::Structure(value)).unwrap_err();
            assert_eq!((error.code.as_ref(), error.message.as_str()), ("InvalidInputException", pattern));
        }
    }

    /// As IAM refuses since 2026: values are not quoted, and letters are told of in a sentence.
    #[test]
    fn terse_refusals_quote_no_values() {
        let of = |name: &str, more: Vec<(u16, Value)>| {
            let members = std::iter::once((0, text(name))).chain(more).collect();
            check(TERSE, &LATER, &Value::Structure(members)).unwrap_err().message
        };
        let letters = "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-";
        assert_eq!(of("a b", vec![]), letters);
        let length =
            "Value at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 4";
        assert_eq!(of("abcde", vec![]), format!("1 validation error detected: {length}"));
        assert_eq!(of("a b c", vec![]), format!("1 validation error detected: {length}"), "lengths come first");
        let keys = "Value at 'keys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 4, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\\w-]+, Member must not be null]";
        let list = Value::List(vec![text("a b")]);
        assert_eq!(of("a", vec![(2, list)]), format!("1 validation error detected: {keys}"));
        let missing = check(TERSE, &LATER, &Value::Structure(vec![])).unwrap_err().message;
        assert!(missing.ends_with("Value at 'roleName' failed to satisfy constraint: Member must not be null"));
    }

    fn text(value: &str) -> Value {
        Value::String(value.to_owned())
    }

    #[track_caller]
    fn refused(members: Vec<(u16, Value)>, text: &str) {
        let error = check(QUOTING, &INPUT, &Value::Structure(members)).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status, error.message.as_str()), ("ValidationError", 400, text));
    }

    #[test]
    fn one_fault_of_each_kind() {
        let named = |member: (u16, Value)| vec![(0, text("ann")), member];
        refused(
            vec![(0, text("a b"))],
            r"1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+",
        );
        refused(
            vec![(0, text("abcde"))],
            "1 validation error detected: Value 'abcde' at 'userName' failed to satisfy constraint: Member must have length less than or equal to 4",
        );
        refused(
            vec![],
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
        );
        refused(
            named((1, text("On"))),
            "1 validation error detected: Value 'On' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
        );
        refused(
            named((2, Value::Integer(0))),
            "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
        );
        refused(
            named((3, text("x"))),
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 2",
        );
        refused(
            named((4, Value::List(vec![text("a"), text("b c")]))),
            r"1 validation error detected: Value '[a, b c]' at 'keys' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy regular expression pattern: [\w-]+, Member must have length less than or equal to 4, Member must have length greater than or equal to 1]",
        );
    }

    #[test]
    fn several_faults_are_told_together() {
        refused(
            vec![(0, text(""))],
            r"2 validation errors detected: Value '' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+; Value '' at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
        let tag = |key: &str| Value::Structure(vec![(0, text(key)), (1, text("v"))]);
        refused(
            vec![(0, text("ann")), (5, Value::List(vec![tag("a"), Value::EMPTY, tag("c")]))],
            "2 validation errors detected: Value '[Tag(key=a, value=v), Tag(), Tag(key=c, value=v)]' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2; Value null at 'tags.2.member.key' failed to satisfy constraint: Member must not be null",
        );
    }

    #[test]
    fn what_keeps_the_rules_passes() {
        let list = Value::List(vec![text("a"), text("a-_9")]);
        let good = vec![(0, text("ann")), (1, text("Active")), (2, Value::Integer(10)), (3, text("xy")), (4, list)];
        assert!(check(QUOTING, &INPUT, &Value::Structure(good)).is_ok());
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let tags = Value::List(vec![Value::EMPTY; 10_000]);
        let error = check(QUOTING, &INPUT, &Value::Structure(vec![(0, text("ann")), (5, tags)])).unwrap_err();
        assert!(error.message.starts_with("64 validation errors detected: "));
    }
}
