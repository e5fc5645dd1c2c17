//! Whom a bucket's policy names: only those who exist may be named, and those who were meant stay so.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-bucket-user-policy-specifying-principal-intro.html>;
//! for canonical ids <https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html>.

use policy::{Kind, Policy};
use serde_json::Value;
use service::{Cx, Named, has_plainly};
use store::View;

use super::document::malformed;
use crate::S3Error;
use crate::owner::canonical_id;

/// The accounts of Amazon's from which load balancers write their logs: policies for that name them wherever they are, and
/// nobody here is one of them.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/enable-access-logs.html>.
const OF_BALANCERS: [&str; 22] = [
    "127311923021",
    "033677994240",
    "027434742980",
    "797873946194",
    "098369216593",
    "754344448648",
    "589379963580",
    "718504428378",
    "383597477331",
    "600734575887",
    "114774131450",
    "783225319266",
    "582318560864",
    "985666609251",
    "054676820928",
    "156460612806",
    "652711504416",
    "635631232127",
    "009996457667",
    "897822967062",
    "076674570225",
    "507241528517",
];

/// A policy, which has been read before, as it is kept: with accounts in the place of canonical user ids, and the unique ids
/// of the users and roles that it names.
///
/// # Errors
/// [`S3Error::MalformedPolicy`] if it names somebody who does not exist, and the store's.
pub(super) fn known(text: &str, view: &View, cx: &Cx) -> Result<(String, Vec<(String, String)>), S3Error> {
    let invalid = || malformed("Invalid principal in policy");
    let policy = Policy::parse(text, Kind::Resource).map_err(|fault| malformed(fault.message))?;
    let mut principals: Vec<(String, String)> = Vec::new();
    let mut roots: Vec<(String, String)> = Vec::new();
    for (class, name) in policy.principals() {
        match class {
            "AWS" => match cx.directory().named(view, name)? {
                Named::Nobody if is_amazons(name) => {}
                Named::Nobody => return Err(invalid()),
                Named::Entity(id) if !principals.iter().any(|(known, _)| known == name) => {
                    principals.push((name.to_owned(), id));
                }
                Named::Entity(_) | Named::Fixed => {}
            },
            "CanonicalUser" => {
                let accounts = cx.directory().accounts(view)?;
                let account = accounts.into_iter().find(|account| canonical_id(account) == name).ok_or_else(invalid)?;
                roots.push((name.to_owned(), format!("arn:aws:iam::{account}:root")));
            }
            "Service" if name != "*" && !is_service(name) => return Err(invalid()),
            _ => {}
        }
    }
    let kept = if !roots.is_empty() {
        with_accounts(text, &roots)
    } else if has_plainly(text, &principals) {
        text.to_owned()
    } else {
        policy.to_string()
    };
    Ok((kept, principals))
}

/// Whether an account or an ARN is one of Amazon's own that policies of buckets name.
fn is_amazons(name: &str) -> bool {
    let account = name.strip_prefix("arn:aws:iam::").map_or(name, |rest| rest.split(':').next().unwrap_or_default());
    let is_root = account == name || name.ends_with(":root");
    (is_root && OF_BALANCERS.contains(&account)) || (account == "cloudfront" && name != account)
}

/// Whether a service could have this name.
fn is_service(name: &str) -> bool {
    let ends = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"];
    ends.iter().any(|end| name.strip_suffix(end).is_some_and(|service| !service.is_empty()))
}

/// The document with each canonical user id as the root of its account.
fn with_accounts(text: &str, roots: &[(String, String)]) -> String {
    // It has been read before.
    let mut document: Value = serde_json::from_str(text).unwrap_or_default();
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.as_mut_slice(),
        Some(statement) => std::slice::from_mut(statement),
        None => &mut [],
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let Some(Value::Object(classes)) = statement.get_mut(element) else { continue };
            let ids = listed(classes.remove("CanonicalUser"));
            if ids.is_empty() {
                continue;
            }
            let root = |id: &Value| roots.iter().find(|(known, _)| Some(known.as_str()) == id.as_str());
            let named = ids.iter().filter_map(root).map(|(_, root)| Value::String(root.clone()));
            let mut all: Vec<Value> = listed(classes.remove("AWS")).into_iter().chain(named).collect();
            let value = if all.len() == 1 { all.remove(0) } else { Value::Array(all) };
            classes.insert("AWS".to_owned(), value);
        }
    }
    document.to_string()
}

fn listed(element: Option<Value>) -> Vec<Value> {
    match element {
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_amazons, is_service, with_accounts};

    #[test]
    fn names_of_amazons_own() {
        for (name, expected) in [
            ("127311923021", true),
            ("arn:aws:iam::127311923021:root", true),
            ("arn:aws:iam::127311923021:user/x", false),
            ("127311923022", false),
            ("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", true),
            ("cloudfront", false),
        ] {
            assert_eq!(is_amazons(name), expected, "{name}");
        }
        for (name, expected) in [
            ("s3.amazonaws.com", true),
            ("logdelivery.elasticloadbalancing.amazonaws.com", true),
            ("s3", false),
            (".amazonaws.com", false),
        ] {
            assert_eq!(is_service(name), expected, "{name}");
        }
    }

    #[test]
    fn accounts_take_the_place_of_canonical_ids() {
        let roots = [("c1".to_owned(), "a1".to_owned()), ("c2".to_owned(), "a2".to_owned())];
        let text = r#"{"Statement":[{"Principal":{"CanonicalUser":"c1"}},{"NotPrincipal":{"AWS":["x"],"CanonicalUser":["c2","c1"]}},{"Principal":"*"}]}"#;
        let expected =
            r#"{"Statement":[{"Principal":{"AWS":"a1"}},{"NotPrincipal":{"AWS":["x","a2","a1"]}},{"Principal":"*"}]}"#;
        assert_eq!(with_accounts(text, &roots), expected);
        let one = r#"{"Statement":{"Principal":{"CanonicalUser":"c1"}}}"#;
        assert_eq!(with_accounts(one, &roots), r#"{"Statement":{"Principal":{"AWS":"a1"}}}"#);
    }
}
