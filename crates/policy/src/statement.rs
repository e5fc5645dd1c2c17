//! A statement, ready for comparing with requests.
//! Not here: what comes of several statements.

use crate::by_service::ByService;
use crate::condition::{Condition, Unfit};
use crate::fault::Fault;
use crate::operator::Operator;
use crate::pattern::{Pattern, Wildcards};
use crate::principal::{Asked, Naming, Principal, Principals};
use crate::raw::{Either, RawStatement};
use crate::{Context, Effect, Span};

/// `Action`, `Resource`, or their negations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patterns {
    pub(crate) is_not: bool,
    pub(crate) list: Vec<Pattern>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principals: Option<Principals>,
    /// In lower case.
    pub(crate) actions: Patterns,
    /// Of a long list of actions.
    by_service: Option<ByService>,
    /// None in trust policies, which are about their role.
    pub(crate) resources: Option<Patterns>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) span: Span,
}

/// A request as statements are compared with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) asked: Asked<'a>,
    /// In lower case.
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
}

impl Statement {
    /// Makes a statement ready that was found sound.
    pub(crate) fn new(raw: &RawStatement<'_>, has_variables: bool, span: Span) -> Result<Self, Fault> {
        let principals = raw.principal.as_ref().map(|either| {
            let list = either.value.iter().filter_map(|(class, name)| Principal::new(*class, name)).collect();
            Principals { is_not: either.is_not, list }
        });
        let actions =
            patterns(raw.action.as_ref(), |text| Pattern::new(&text.to_ascii_lowercase(), Wildcards::Text, false));
        let resources = patterns(raw.resource.as_ref(), |text| Pattern::new(text, Wildcards::Resource, has_variables));
        let mut conditions = Vec::with_capacity(raw.conditions.len());
        for condition in &raw.conditions {
            let operator = Operator::named(condition.operator).ok_or(Fault::Syntax)?;
            let written = condition.values.iter().map(|value| value.clone().into_owned()).collect();
            let condition = Condition::new(operator, condition.key, written, has_variables);
            conditions.push(condition.map_err(|Unfit| Fault::Legacy)?);
        }
        let actions = actions.ok_or(Fault::NoActions)?;
        Ok(Self {
            sid: raw.sid.map(str::to_owned),
            effect: if raw.effect == "Deny" { Effect::Deny } else { Effect::Allow },
            principals,
            by_service: ByService::new(&actions.list),
            actions,
            resources,
            conditions,
            span,
        })
    }

    /// How it takes in the request's subject if it applies to the request; none if it does not. Says each key that was
    /// asked for in vain by a statement that could have applied.
    pub(crate) fn applies<'a>(&'a self, query: &Query<'_>, missing: &mut impl FnMut(&'a str)) -> Option<Naming> {
        let context = query.asked.context;
        if !self.is_about(query.action, context) {
            return None;
        }
        let naming = match &self.principals {
            None => Naming::Itself,
            Some(principals) => principals.naming(&query.asked, self.effect == Effect::Deny)?,
        };
        if let Some(resources) = &self.resources {
            for pattern in &resources.list {
                // What is excepted must be known to the last variable.
                let is_asked_for = resources.is_not || pattern.has_start(query.resource);
                for variable in pattern.variables().filter(|variable| is_asked_for && variable.is_missing(context)) {
                    missing(&variable.key);
                }
            }
            if !resources.take_in(query.resource, context) {
                return None;
            }
        }
        let mut holds = true;
        // All of them: which keys are missing must not depend on the order of conditions.
        for condition in &self.conditions {
            holds &= condition.holds(context, missing);
        }
        holds.then_some(naming)
    }

    /// Whether an action, in lower case, is one of its own, or not one of those that it excepts.
    pub(crate) fn is_about(&self, action: &str, context: &Context) -> bool {
        let is_any = match &self.by_service {
            Some(index) => index.is_any(&self.actions.list, action, context),
            None => self.actions.is_any(action, context),
        };
        is_any != self.actions.is_not
    }

    /// Whether some request of a service, named as in `s3:GetObject`, might be one of its actions.
    pub(crate) fn may_be_of(&self, service: &str) -> bool {
        let is_service = |pattern: &Pattern| match service_of(pattern) {
            None => true,
            Some(named) => named == service,
        };
        // What is excepted leaves something of every service, unless the exception is the whole of it.
        let is_whole = |pattern: &Pattern| {
            let source = pattern.source(false);
            source == "*" || source == "*:*" || source.strip_suffix(":*") == Some(service)
        };
        if self.actions.is_not {
            !self.actions.list.iter().any(is_whole)
        } else {
            self.actions.list.iter().any(is_service)
        }
    }

    /// The keys of its variables and conditions, as they are written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().flat_map(|resources| &resources.list);
        let of_resources = resources.flat_map(Pattern::variables).map(|variable| variable.key.as_str());
        let of_conditions = self
            .conditions
            .iter()
            .flat_map(|condition| std::iter::once(condition.key.as_str()).chain(condition.variables()));
        of_resources.chain(of_conditions)
    }
}

impl Patterns {
    pub(crate) fn is_any(&self, text: &str, context: &Context) -> bool {
        self.list.iter().any(|pattern| pattern.matches(text, context))
    }

    /// Whether a text is meant. Where something is excepted that is not known, nothing is meant.
    pub(crate) fn take_in(&self, text: &str, context: &Context) -> bool {
        let is_known = || self.list.iter().all(|pattern| pattern.is_resolved(context));
        if self.is_not { is_known() && !self.is_any(text, context) } else { self.is_any(text, context) }
    }
}

fn patterns(raw: Option<&Either<Vec<&str>>>, read: impl Fn(&str) -> Pattern) -> Option<Patterns> {
    raw.map(|either| Patterns { is_not: either.is_not, list: either.value.iter().map(|text| read(text)).collect() })
}

/// The service of an action's pattern; none if it may be any.
pub(crate) fn service_of(pattern: &Pattern) -> Option<String> {
    let source = pattern.source(false);
    let (service, _) = source.split_once(':')?;
    (!service.contains(['*', '?'])).then(|| service.to_owned())
}
