//! Rules for documents: links lead somewhere, promises name tests that are there, settings and versions agree with the
//! code.

use std::path::Path;

use super::{Complaint, File};

pub(crate) fn check(root: &Path, files: &[File]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        links(file, |target| root.join(target).exists(), &mut complaints);
    }
    let find = |path: &str| files.iter().find(|file| file.path == path);
    match find("CHANGELOG.md") {
        Some(file) => changelog(file, &mut complaints),
        None => complaints.push(Complaint::new("CHANGELOG.md", "is missing", "write it")),
    }
    for file in ["SPECIFICATION.md", "docs/threat-model.md"].into_iter().filter_map(find) {
        promises(file, files, &mut complaints);
    }
    if let (Some(code), Some(document)) = (find("crates/welkin/src/settings.rs"), find("docs/settings.md")) {
        settings(code, document, &mut complaints);
    }
    if let (Some(pin), Some(file)) = (find("crates/api/BOTOCORE_VERSION"), find("tests/acceptance/requirements.txt")) {
        client_version(pin, file, &mut complaints);
    }
    complaints
}

/// Every `](target)` that is not an address or a place in the same page.
fn links(file: &File, exists: impl Fn(&Path) -> bool, complaints: &mut Vec<Complaint>) {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let mut is_code = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !exists(&folder.join(path)) {
                complaints.push(Complaint::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("the link to {target} leads nowhere"),
                    "links are relative to the page that they are on",
                ));
            }
        }
    }
}

fn changelog(file: &File, complaints: &mut Vec<Complaint>) {
    let first = file.text.lines().find(|line| line.starts_with("## "));
    if first != Some("## Unreleased") {
        complaints.push(Complaint::new(
            &file.path,
            "its first section is not `## Unreleased`",
            "what a user will notice goes there, in the commit that makes it",
        ));
    }
}

/// Whatever stands in backquotes with `::` in a page of promises is a test, and must be there.
fn promises(file: &File, files: &[File], complaints: &mut Vec<Complaint>) {
    for (index, line) in file.text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
            let function = name.rsplit("::").next().unwrap_or(name);
            let (rust, python) = (format!("fn {function}("), format!("def {function}("));
            let is_there = files.iter().any(|other| {
                (other.path.ends_with(".rs") && other.text.contains(&rust))
                    || (other.path.ends_with(".py") && other.text.contains(&python))
            });
            if !is_there {
                complaints.push(Complaint::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("a promise names the test {name}, which is not there"),
                    "name the test that proves it, or take the promise back",
                ));
            }
        }
    }
}

/// Every key of the settings is in their document.
fn settings(code: &File, document: &File, complaints: &mut Vec<Complaint>) {
    let table = code.text.split("pub const KEYS").nth(1).and_then(|rest| rest.split("];").next()).unwrap_or_default();
    for key in table.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next()) {
        if !document.text.contains(&format!("`{key}`")) {
            complaints.push(Complaint::new(
                &document.path,
                format!("the setting {key} is missing"),
                "add its row: key, default, what it does",
            ));
        }
    }
}

fn client_version(pin: &File, requirements: &File, complaints: &mut Vec<Complaint>) {
    let wanted = format!("botocore=={}", pin.text.trim());
    if !requirements.text.lines().any(|line| line == wanted) {
        complaints.push(Complaint::new(
            &requirements.path,
            format!("does not pin {wanted}, which {} names", pin.path),
            "the clients that test the API and the models that it is made from are of one version",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{Complaint, File, changelog, client_version, links, promises, settings};

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn wrongs(run: impl Fn(&mut Vec<Complaint>)) -> Vec<String> {
        let mut complaints = Vec::new();
        run(&mut complaints);
        complaints.into_iter().map(|complaint| complaint.wrong).collect()
    }

    #[test]
    fn links_lead_somewhere() {
        let text = "[a](there.md#x) [b](gone.md) [c](https://example.com) [d](#here)\n```\n[e](gone.md)\n```\n";
        let page = file("docs/page.md", text);
        let found = wrongs(|all| links(&page, |path| path.ends_with("docs/there.md"), all));
        assert_eq!(found, ["the link to gone.md leads nowhere"]);
    }

    #[test]
    fn the_changelog_is_open() {
        assert_eq!(wrongs(|all| changelog(&file("CHANGELOG.md", "# Changes\n\n## Unreleased\n"), all)), [""; 0]);
        assert_eq!(wrongs(|all| changelog(&file("CHANGELOG.md", "# Changes\n\n## 0.1\n"), all)).len(), 1);
    }

    #[test]
    fn promises_name_tests_that_are_there() {
        let code = [file("crates/x/src/a.rs", "fn holds() {}"), file("tests/test_a.py", "def test_it():\n")];
        let page = file("SPECIFICATION.md", "`x::holds`, `test_a.py::test_it`, `x::broken`, `plain`\n");
        let found = wrongs(|all| promises(&page, &code, all));
        assert_eq!(found, ["a promise names the test x::broken, which is not there"]);
    }

    #[test]
    fn settings_are_documented() {
        let code = file(
            "settings.rs",
            "pub const KEYS: &[(&str, &str)] = &[\n    (\"listen\", \"a\"),\n    (\"log\", \"b\"),\n];\n",
        );
        let found = wrongs(|all| settings(&code, &file("docs/settings.md", "| `listen` |"), all));
        assert_eq!(found, ["the setting log is missing"]);
    }

    #[test]
    fn clients_and_models_are_of_one_version() {
        let pin = file("BOTOCORE_VERSION", "1.2.3\n");
        assert_eq!(wrongs(|all| client_version(&pin, &file("r.txt", "botocore==1.2.3\n"), all)), [""; 0]);
        assert_eq!(wrongs(|all| client_version(&pin, &file("r.txt", "botocore==1.2.4\n"), all)).len(), 1);
    }
}
