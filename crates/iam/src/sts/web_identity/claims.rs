//! What a verified token says.

use policy::Context;
use serde_json::{Map, Value};

use super::jwt::Token;
use super::missing;
use crate::IamError;
use crate::sts::session_tags::AskedTags;

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// Claims that conditions can ask about besides `aud`, `sub`, `amr` and `email`, for tokens of GitHub's.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>.
const GITHUB: (&str, [&str; 9]) = (
    "token.actions.githubusercontent.com",
    [
        "actor",
        "actor_id",
        "enterprise_id",
        "environment",
        "job_workflow_ref",
        "ref",
        "repository",
        "repository_id",
        "workflow",
    ],
);

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The provider.
    pub(super) issuer: String,
    /// Whom it vouches for.
    pub(super) subject: String,
    /// Whom the token is meant for: the party that asked for it, if it says which; else its audience.
    pub(super) audiences: Vec<String>,
    /// The audience, where the party that asked for the token is another one.
    own_audiences: Vec<String>,
    amr: Vec<String>,
    email: Option<String>,
    github: Vec<(String, String)>,
    /// The session tags that it gives.
    pub(super) tags: AskedTags,
    /// Who it says is behind the session.
    pub(super) source_identity: Option<String>,
}

impl Claims {
    pub(super) fn read(token: &Token) -> Result<Self, IamError> {
        let owned = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let audiences = owned(token.texts("aud"));
        if audiences.is_empty() {
            return Err(missing("aud"));
        }
        let issuer = token.text("iss").ok_or_else(|| missing("iss"))?;
        let subject = token.text("sub").filter(|subject| !subject.is_empty()).ok_or_else(|| missing("sub"))?;
        let (audiences, own_audiences) = match token.text("azp") {
            Some(party) => (vec![party.to_owned()], audiences),
            None => (audiences, Vec::new()),
        };
        let is_github = issuer.strip_prefix("https://") == Some(GITHUB.0);
        let github = GITHUB.1.iter().filter(|_| is_github);
        let github = github.filter_map(|name| Some(((*name).to_owned(), token.text(name)?.to_owned()))).collect();
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences,
            own_audiences,
            amr: owned(token.texts("amr")),
            email: token.text("email").map(str::to_owned),
            github,
            tags: tags(&token.claims),
            source_identity: token.text(SOURCE_IDENTITY).map(str::to_owned),
        })
    }

    /// The condition keys of a token of this provider.
    pub(super) fn context(&self, provider: &str) -> Context {
        let mut context = Context::new();
        context.set_all(format!("{provider}:aud"), self.audiences.clone());
        context.set(format!("{provider}:sub"), self.subject.as_str());
        if !self.own_audiences.is_empty() {
            context.set_all(format!("{provider}:oaud"), self.own_audiences.clone());
        }
        if !self.amr.is_empty() {
            context.set_all(format!("{provider}:amr"), self.amr.clone());
        }
        if let Some(email) = &self.email {
            context.set(format!("{provider}:email"), email.as_str());
        }
        for (name, value) in &self.github {
            context.set(format!("{provider}:{name}"), value.as_str());
        }
        context
    }
}

/// Session tags, in either of the forms that AWS takes: one object, or a claim for each.
fn tags(claims: &Map<String, Value>) -> AskedTags {
    let mut asked = AskedTags::default();
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => all.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let texts = |value: &Value| match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    };
    if let Some(Value::Object(given)) = claims.get(TAGS) {
        if let Some(Value::Object(tags)) = given.get("principal_tags") {
            asked.tags.extend(tags.iter().filter_map(|(key, value)| Some((key.clone(), one(value)?))));
        }
        asked.transitive = given.get("transitive_tag_keys").map(texts).unwrap_or_default();
    }
    for (name, value) in claims {
        let Some(rest) = name.strip_prefix(TAGS) else { continue };
        if let (Some(key), Some(value)) = (rest.strip_prefix("/principal_tags/"), one(value)) {
            asked.tags.push((key.to_owned(), value));
        } else if rest == "/transitive_tag_keys" {
            asked.transitive.extend(texts(value));
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::tags;

    #[test]
    fn tags_come_in_two_forms() {
        for claims in [
            json!({"https://aws.amazon.com/tags": {
                "principal_tags": {"Team": ["blue"], "Cost": ["1"]}, "transitive_tag_keys": ["Team"]}}),
            json!({"https://aws.amazon.com/tags/principal_tags/Cost": "1",
                "https://aws.amazon.com/tags/principal_tags/Team": "blue",
                "https://aws.amazon.com/tags/transitive_tag_keys": ["Team"]}),
        ] {
            let asked = tags(claims.as_object().unwrap());
            let expected = [("Cost".to_owned(), "1".to_owned()), ("Team".to_owned(), "blue".to_owned())];
            assert_eq!((asked.tags.as_slice(), asked.transitive.as_slice()), (&expected[..], &["Team".to_owned()][..]));
        }
        assert!(tags(json!({"https://aws.amazon.com/tags": 1}).as_object().unwrap()).tags.is_empty());
    }
}
