//! What a model says of values beside their kind, as `wire::Rule` wants it: for the services that are checked alone.

use std::fmt::Write as _;

use super::model::Shape;
use super::overrides;

/// Whether there is a rule to be made of this shape.
pub fn has_rule(shape: &Shape) -> bool {
    let is_bounded = shape.min.is_some() || shape.max.is_some();
    matches!(shape.kind.as_str(), "string" | "integer" | "long" | "list" | "map" | "blob")
        && (is_bounded || shape.pattern.is_some() || !shape.values.is_empty())
}

/// The expression that makes the rule of this shape.
pub fn rule(shape: &Shape) -> anyhow::Result<String> {
    let mut out = match &shape.pattern {
        Some(text) => format!("Rule::matching({text:?}, {:?})", in_our_syntax(text)),
        None => "Rule::new()".to_owned(),
    };
    // Models write some bounds as fractions.
    let whole = |number: &serde_json::Number| number.as_i64().or_else(|| number.as_f64().map(|number| number as i64));
    if let Some(min) = shape.min.as_ref().and_then(whole) {
        write!(out, ".min({min})")?;
    }
    if let Some(max) = shape.max.as_ref().and_then(whole) {
        write!(out, ".max({max})")?;
    }
    if !shape.values.is_empty() {
        write!(out, ".values(&{:?})", shape.values)?;
    }
    if shape.sensitive {
        out.push_str(".sensitive()");
    }
    Ok(out)
}

/// A pattern of a model, whose syntax is Java's, in that of the crate `regex`: there `\w`, `\d` and `\s` mean Unicode's
/// letters, digits and spaces, and there is no looking ahead.
fn in_our_syntax(pattern: &str) -> String {
    if let Some(ours) = overrides::pattern(pattern) {
        return ours.to_owned();
    }
    let (mut out, mut is_in_class) = (String::new(), false);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            is_in_class = (is_in_class || letter == '[') && letter != ']';
            out.push(letter);
            continue;
        }
        let escaped = letters.next().unwrap_or('\\');
        let members = match escaped {
            'w' => r"0-9A-Za-z_",
            'd' => "0-9",
            's' => r" \t\n\x0B\x0C\r",
            _ => {
                out.push('\\');
                out.push(escaped);
                continue;
            }
        };
        if is_in_class {
            out.push_str(members);
        } else {
            out.push_str(&format!("[{members}]"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::in_our_syntax;

    #[test]
    fn javas_classes_are_of_ascii() {
        assert_eq!(in_our_syntax(r"[\w+=,.@-]+"), "[0-9A-Za-z_+=,.@-]+");
        assert_eq!(in_our_syntax(r"\d{12}"), "[0-9]{12}");
        assert_eq!(in_our_syntax(r"[^\s@]+\.x"), r"[^ \t\n\x0B\x0C\r@]+\.x");
        assert_eq!(in_our_syntax(r"[\p{L}\u0020-\u00FF]*"), r"[\p{L}\u0020-\u00FF]*");
    }
}
