//! A policy as JSON, from what it was understood as: actions are in lower case, lists are lists even of one.
//! Not here: the text that it was read from, which those keep who must give it back.

use std::fmt;

use crate::condition::Condition;
use crate::json::quote;
use crate::principal::Class;
use crate::statement::Statement;
use crate::{Effect, Policy};

/// The document as JSON, in a form that reads back to the same policy.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("{\"Version\":");
        quote(if self.is_2012 { "2012-10-17" } else { "2008-10-17" }, &mut out);
        if let Some(id) = &self.id {
            out.push_str(",\"Id\":");
            quote(id, &mut out);
        }
        out.push_str(",\"Statement\":");
        list(&self.statements, &mut out, |one, out| statement(one, self.is_2012, out));
        out.push('}');
        f.write_str(&out)
    }
}

impl Policy {
    /// A statement as JSON, as [`Policy`]'s `Display` has it; none if there are not so many.
    pub fn statement_text(&self, index: usize) -> Option<String> {
        let mut out = String::new();
        statement(self.statements.get(index)?, self.is_2012, &mut out);
        Some(out)
    }
}

fn list<T>(items: &[T], out: &mut String, mut write: impl FnMut(&T, &mut String)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn name(is_not: bool, name: &str, out: &mut String) {
    out.push_str(if is_not { ",\"Not" } else { ",\"" });
    out.push_str(name);
    out.push_str("\":");
}

fn statement(statement: &Statement, escapes: bool, out: &mut String) {
    out.push_str("{\"Effect\":");
    quote(if statement.effect == Effect::Allow { "Allow" } else { "Deny" }, out);
    if let Some(sid) = &statement.sid {
        name(false, "Sid", out);
        quote(sid, out);
    }
    if let Some(principals) = &statement.principals {
        name(principals.is_not, "Principal", out);
        out.push('{');
        let mut is_first = true;
        for class in [Class::Aws, Class::Service, Class::Federated, Class::CanonicalUser] {
            let is_of = |one: &&crate::principal::Principal| one.class.name() == class.name();
            let of_class: Vec<_> = principals.list.iter().filter(is_of).collect();
            if of_class.is_empty() {
                continue;
            }
            if !is_first {
                out.push(',');
            }
            is_first = false;
            quote(class.name(), out);
            out.push(':');
            list(&of_class, out, |principal, out| quote(&principal.name, out));
        }
        out.push('}');
    }
    name(statement.actions.is_not, "Action", out);
    list(&statement.actions.list, out, |pattern, out| quote(&pattern.source(false), out));
    if let Some(resources) = &statement.resources {
        name(resources.is_not, "Resource", out);
        list(&resources.list, out, |pattern, out| quote(&pattern.source(escapes), out));
    }
    if !statement.conditions.is_empty() {
        name(false, "Condition", out);
        conditions(&statement.conditions, out);
    }
    out.push('}');
}

/// Conditions of one operator stand beside one another, as they were read.
fn conditions(conditions: &[Condition], out: &mut String) {
    out.push('{');
    let groups: Vec<&[Condition]> = conditions.chunk_by(|one, next| one.operator == next.operator).collect();
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        quote(&group[0].operator.name(), out);
        out.push_str(":{");
        for (index, condition) in group.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            quote(&condition.key, out);
            out.push(':');
            list(&condition.written, out, |value, out| quote(value, out));
        }
        out.push('}');
    }
    out.push('}');
}
