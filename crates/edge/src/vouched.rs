//! Who it was that assumed a role with an identity provider's word, for the record of the call: nobody signed it, so it is the
//! answer that tells.

use audit::Vouched;
use wire::{OperationShape, Shape, Value};

/// Whom an answer of STS gave credentials; none for all other operations.
pub(crate) fn of_answer(service: &str, operation: &OperationShape, output: &Value) -> Option<Vouched> {
    let kind = match (service, operation.name) {
        ("sts", "AssumeRoleWithWebIdentity") => "WebIdentityUser",
        ("sts", "AssumeRoleWithSAML") => "SAMLUser",
        _ => return None,
    };
    let shape = operation.output?;
    let text = |name: &str| match member(shape, output, name)? {
        (_, Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (user_shape, user_value) = member(shape, output, "AssumedRoleUser")?;
    let arn = match member(user_shape, user_value, "Arn")?.1 {
        Value::String(arn) => arn,
        _ => return None,
    };
    let account = arn.split(':').nth(4)?.to_owned();
    let (principal, user, provider) = if kind == "SAMLUser" {
        let user = text("Subject")?;
        (format!("{}:{user}", text("NameQualifier")?), user, text("Issuer")?)
    } else {
        let (user, provider) = (text("SubjectFromWebIdentityToken")?, text("Provider")?);
        (format!("{provider}:{}:{user}", text("Audience")?), user, provider)
    };
    Some(Vouched { kind, principal, user, provider, account })
}

fn member<'a>(shape: &'static Shape, value: &'a Value, name: &str) -> Option<(&'static Shape, &'a Value)> {
    let index = shape.members().iter().position(|member| member.name == name)?;
    Some((&shape.members()[index].shape, value.member(u16::try_from(index).ok()?)?))
}

#[cfg(test)]
mod tests {
    use api::sts::{AssumeRoleWithWebIdentityResponse, AssumedRoleUser};
    use wire::Typed;

    use super::of_answer;

    #[test]
    fn the_answer_tells_who_it_was() {
        let answer = AssumeRoleWithWebIdentityResponse {
            subject_from_web_identity_token: Some("repo:a/b".into()),
            audience: Some("sts".into()),
            provider: Some("idp.example".into()),
            assumed_role_user: Some(AssumedRoleUser {
                assumed_role_id: "AROA1:s".into(),
                arn: "arn:aws:sts::111111111111:assumed-role/r/s".into(),
            }),
            ..AssumeRoleWithWebIdentityResponse::default()
        };
        let operation = api::sts::SERVICE.find("AssumeRoleWithWebIdentity").unwrap().shape.unwrap();
        let value = answer.into_value();
        let found = of_answer("sts", operation, &value).unwrap();
        assert_eq!((found.kind, found.user.as_str()), ("WebIdentityUser", "repo:a/b"));
        assert_eq!((found.principal.as_str(), found.account.as_str()), ("idp.example:sts:repo:a/b", "111111111111"));
        assert_eq!(of_answer("s3", operation, &value), None);
    }
}
