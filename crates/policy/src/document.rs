//! A policy document: read, checked, and made ready for decisions.
//! Not here: what its texts mean, which the modules beside this one say element by element.

use std::collections::{BTreeMap, HashSet};
use std::iter::Peekable;

use crate::fault::Fault;
use crate::statement::{Statement, service_of};
use crate::{Effect, json, raw, validate};

/// What a document is for, which decides what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Says what an identity may do (managed and inline policies, boundaries, session policies): no `Principal`.
    Identity,
    /// Says who may do what with a resource, such as a bucket policy: with `Principal`.
    Resource,
    /// Says who may assume a role: with `Principal`, without `Resource`.
    Trust,
    /// Says what the accounts of an organization may do at most: no `Principal`.
    ServiceControl,
}

/// Keys that say who asks or whence, in lower case.
const WHENCE: [&str; 13] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// A document that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    kind: Kind,
    pub(crate) is_2012: bool,
    pub(crate) id: Option<String>,
    pub(crate) statements: Vec<Statement>,
    /// By service, in the order of their names: the statements that can only be of it, and so for each service they name.
    of_service: Vec<(Box<str>, Vec<u32>)>,
    /// The statements that may be of any service.
    of_any: Vec<u32>,
}

/// A place in a document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

/// Where a statement stands, as SimulatePrincipalPolicy says it: to behind its last brace, from behind its first one if it
/// is the only one and in no list; else from behind the bracket of the list, or behind the statement before it.
/// Sources: the outputs in <https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html>, and answers
/// that people show: AdministratorAccess, which AWS indents by two, matches from line 3, column 17 to line 8, column 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its beginning.
    pub start: Position,
    /// Its end.
    pub end: Position,
}

/// Why a document is none. `message` is AWS's text of `MalformedPolicyDocument` (S3's of `MalformedPolicy` for
/// [`Kind::Resource`], that of Organizations for [`Kind::ServiceControl`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Malformed {
    /// The text for the caller.
    pub message: String,
}

impl Policy {
    /// Reads a document and checks it in the order in which AWS does: of [`Kind::Identity`] and [`Kind::ServiceControl`]
    /// only those of version 2012-10-17. Whether its principals exist is not known here.
    /// Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
    ///
    /// # Errors
    /// [`Malformed`], with AWS's text.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        let is_any_version = matches!(kind, Kind::Resource | Kind::Trust);
        Self::read(text, kind, is_any_version).map_err(|fault| fault.malformed(kind))
    }

    /// As [`Policy::parse`] of [`Kind::Identity`], of either version: for inline policies, whose documents AWS takes without
    /// `Version` to this day, for session policies, and for whatever of an identity was checked when it came.
    ///
    /// # Errors
    /// [`Malformed`], with AWS's text.
    pub fn parse_inline(text: &str) -> Result<Self, Malformed> {
        Self::read(text, Kind::Identity, true).map_err(|fault| fault.malformed(Kind::Identity))
    }

    fn read(text: &str, kind: Kind, is_any_version: bool) -> Result<Self, Fault> {
        let node = json::parse(text).map_err(|json::NotJson| Fault::NotJson)?;
        let raw = raw::policy(&node)?;
        validate::check(&raw, kind, is_any_version)?;
        let mut places = Places { text, at: 0, position: Position { line: 1, column: 1 } };
        let mut statements = Vec::with_capacity(raw.statements.len());
        for statement in &raw.statements {
            let start = places.behind(beginning(text, statement.node.start));
            let span = Span { start, end: places.behind(statement.node.end - 1) };
            statements.push(Statement::new(statement, raw.is_2012, span)?);
        }
        let mut of_service: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut of_any = Vec::new();
        for (statement, index) in statements.iter().zip(0..) {
            match services(statement) {
                None => of_any.push(index),
                Some(services) => {
                    services.into_iter().for_each(|service| of_service.entry(service).or_default().push(index));
                }
            }
        }
        let of_service = of_service.into_iter().map(|(service, list)| (service.into_boxed_str(), list)).collect();
        Ok(Self { kind, is_2012: raw.is_2012, id: raw.id.map(str::to_owned), statements, of_service, of_any })
    }

    /// What it was read as.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The condition keys that its statements ask for, its variables' included, each once, as they are written.
    pub fn context_keys(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let keys = self.statements.iter().flat_map(Statement::keys);
        keys.filter(|key| seen.insert(key.to_ascii_lowercase())).map(str::to_owned).collect()
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// What a statement does, counted from 0; none if there are not so many.
    pub fn statement_effect(&self, index: usize) -> Option<Effect> {
        self.statements.get(index).map(|statement| statement.effect)
    }

    /// A statement's `Sid`; none if it has none, or if there are not so many.
    pub fn statement_sid(&self, index: usize) -> Option<&str> {
        self.statements.get(index)?.sid.as_deref()
    }

    /// Where a statement stands in the text; none if there are not so many.
    pub fn statement_span(&self, index: usize) -> Option<Span> {
        self.statements.get(index).map(|statement| statement.span)
    }

    /// Whether a statement's `Principal` takes in everyone: `*`, or all but some.
    pub fn names_everyone(&self, index: usize) -> bool {
        let principals = self.statements.get(index).and_then(|statement| statement.principals.as_ref());
        principals.is_some_and(crate::principal::Principals::is_everyone)
    }

    /// Whether it allows something to everyone, as S3 means it for PublicAccessBlock and GetBucketPolicyStatus: no condition
    /// binds who or whence to a fixed value.
    /// Rule: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>.
    pub fn is_public(&self) -> bool {
        let is_bound = |statement: &Statement| {
            statement.conditions.iter().any(|condition| WHENCE.contains(&condition.lower()) && condition.is_fixed())
        };
        let is_public = |(index, statement): (usize, &Statement)| {
            statement.effect == Effect::Allow && self.names_everyone(index) && !is_bound(statement)
        };
        self.statements.iter().enumerate().any(is_public)
    }

    /// Every principal that it names, with its class (`AWS`, `Service`, `Federated`, `CanonicalUser`), as it is written.
    pub fn principals(&self) -> Vec<(&'static str, &str)> {
        let principals = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        let list = principals.flat_map(|principals| &principals.list);
        list.map(|principal| (principal.class.name(), principal.name.as_str())).collect()
    }

    /// Whether a statement of it allows an action of the service (`s3`, `ec2`), whatever its resources and conditions, as
    /// ListPoliciesGrantingServiceAccess means it.
    pub fn allows_service(&self, service: &str) -> bool {
        let service = service.to_ascii_lowercase();
        let allows = |statement: &Statement| statement.effect == Effect::Allow && statement.may_be_of(&service);
        self.statements.iter().any(allows)
    }

    /// The statements that may be about an action of a service, in their order.
    pub(crate) fn candidates(&self, service: &str) -> impl Iterator<Item = (usize, &Statement)> {
        let place = self.of_service.binary_search_by(|(name, _)| (**name).cmp(service));
        let of_service: &[u32] = place.map_or(&[], |place| &self.of_service[place].1);
        let merged = Merged { one: of_service.iter().peekable(), other: self.of_any.iter().peekable() };
        merged.map(|index| index as usize).map(|index| (index, &self.statements[index]))
    }
}

/// The services that a statement's actions are of; none if they may be of any.
fn services(statement: &Statement) -> Option<HashSet<String>> {
    if statement.actions.is_not {
        return None;
    }
    statement.actions.list.iter().map(service_of).collect()
}

/// Two ascending lists as one.
struct Merged<'a> {
    one: Peekable<std::slice::Iter<'a, u32>>,
    other: Peekable<std::slice::Iter<'a, u32>>,
}

impl Iterator for Merged<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let is_one = match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) => one < other,
            (one, _) => one.is_some(),
        };
        if is_one { self.one.next().copied() } else { self.other.next().copied() }
    }
}

/// The byte behind which a statement begins whose brace is at `brace`.
fn beginning(text: &str, brace: usize) -> usize {
    let before = text[..brace].trim_end();
    match before.strip_suffix(',') {
        Some(statements) => statements.trim_end().len() - 1,
        None if before.ends_with('[') => before.len() - 1,
        None => brace,
    }
}

/// Goes through a text and counts lines and columns.
struct Places<'a> {
    text: &'a str,
    at: usize,
    position: Position,
}

impl Places<'_> {
    /// The place behind the character at a byte that is not before the last one asked for.
    fn behind(&mut self, byte: usize) -> Position {
        // The statement before it may have brought it there already.
        for character in self.text.get(self.at..=byte).unwrap_or_default().chars() {
            if character == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.at = self.at.max(byte + 1);
        self.position
    }
}
