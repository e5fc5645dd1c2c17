//! What the statements lack that are about an action and do not apply all the same: for whoever explains a refusal.
//! Not here: any part in a decision.

use std::fmt;

use crate::principal::Asked;
use crate::statement::Statement;
use crate::{Effect, Policy, Request};

/// A statement that is about the action of a request and does not apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which statement, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it would do.
    pub effect: Effect,
    /// What it lacks.
    pub lacks: Vec<Lack>,
}

/// Something in a statement that a request is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// Its principals take in others.
    Principal,
    /// Its resources are others.
    Resource {
        /// Its resources, as they are written.
        wanted: Vec<String>,
        /// It is about all but these.
        is_not: bool,
    },
    /// One of its conditions does not hold.
    Condition {
        /// The operator, as it is written.
        operator: String,
        /// The key, as it is written.
        key: String,
        /// The values, as they are written.
        wanted: Vec<String>,
        /// What the request has; none if it has no such key.
        has: Option<Vec<String>>,
    },
}

impl Policy {
    /// Its statements on the action of a request that do not apply to it. `has_boundary` is whether the permissions of the
    /// subject are bounded.
    pub fn near_misses(&self, request: &Request<'_>, has_boundary: bool) -> Vec<NearMiss> {
        let action = request.action.to_ascii_lowercase();
        let asked = Asked { subject: request.subject, context: request.context, has_boundary };
        let service = action.split(':').next().unwrap_or_default();
        let about = self.candidates(service).filter(|(_, statement)| statement.is_about(&action, request.context));
        about
            .map(|(index, statement)| NearMiss {
                index,
                sid: statement.sid.clone(),
                effect: statement.effect,
                lacks: lacks(statement, &asked, request.resource),
            })
            .filter(|near| !near.lacks.is_empty())
            .collect()
    }
}

fn lacks(statement: &Statement, asked: &Asked<'_>, resource: &str) -> Vec<Lack> {
    let (context, mut lacks) = (asked.context, Vec::new());
    let is_deny = statement.effect == Effect::Deny;
    if statement.principals.as_ref().is_some_and(|principals| principals.naming(asked, is_deny).is_none()) {
        lacks.push(Lack::Principal);
    }
    if let Some(resources) = &statement.resources
        && !resources.take_in(resource, context)
    {
        let wanted = resources.list.iter().map(|pattern| pattern.source(true)).collect();
        lacks.push(Lack::Resource { wanted, is_not: resources.is_not });
    }
    for condition in &statement.conditions {
        if !condition.holds(context, &mut |_| ()) {
            lacks.push(Lack::Condition {
                operator: condition.operator.name(),
                key: condition.key.clone(),
                wanted: condition.written.clone(),
                has: context.get(&condition.key).map(<[String]>::to_vec),
            });
        }
    }
    lacks
}

/// In words, such as `StringEquals of ec2:Region wants us-east-1 and the request has eu-lab-1`.
impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("its principals are others"),
            Self::Resource { wanted, is_not: false } => write!(f, "its resources are {}", wanted.join(", ")),
            Self::Resource { wanted, is_not: true } => write!(f, "it is about all but {}", wanted.join(", ")),
            Self::Condition { operator, key, wanted, has } => {
                write!(f, "{operator} of {key} wants {} and the request has ", wanted.join(", "))?;
                match has {
                    Some(has) => f.write_str(&has.join(", ")),
                    None => f.write_str("no such key"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Context, Kind, Policy, Request, Subject, SubjectKind};

    fn near(statements: &str, kind: Kind) -> Vec<String> {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let policy = Policy::parse(&text, kind).unwrap();
        let arn = "arn:aws:iam::111111111111:user/ann".to_owned();
        let subject = Subject {
            kind: SubjectKind::User,
            account: Some("111111111111".into()),
            arn,
            role_arn: None,
            service: None,
        };
        let context = Context::new().with("aws:SourceIp", "203.0.113.7");
        let request =
            Request { subject: &subject, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", context: &context };
        let misses = policy.near_misses(&request, false);
        misses.iter().flat_map(|near| near.lacks.iter().map(|lack| format!("{} {lack}", near.index))).collect()
    }

    #[test]
    fn they_say_what_is_lacking_and_nothing_of_what_applies_or_is_about_another_action() {
        let statements = r#"
            {"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::c/*"},
            {"Effect":"Allow","Action":"s3:Get*","Resource":"*",
             "Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]},"Bool":{"aws:MultiFactorAuthPresent":"true"}}},
            {"Effect":"Allow","Action":"s3:Put*","Resource":"arn:aws:s3:::c/*"},
            {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},
            {"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::b/*"}"#;
        assert_eq!(
            near(statements, Kind::Identity),
            [
                "0 its resources are arn:aws:s3:::c/*",
                "1 IpAddress of aws:SourceIp wants 10.0.0.0/8, 192.168.0.0/16 and the request has 203.0.113.7",
                "1 Bool of aws:MultiFactorAuthPresent wants true and the request has no such key",
                "4 it is about all but arn:aws:s3:::b/*",
            ]
        );
        let statements = r#"{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
        assert_eq!(near(statements, Kind::Resource), ["0 its principals are others"]);
    }
}
