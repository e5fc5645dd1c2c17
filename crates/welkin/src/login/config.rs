//! The profile of AWS tools that takes its credentials from a login: a section of their settings file.
//! Source: <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::saved::{Saved, write_private};

/// Writes the section, unless somebody has written another one of that name; and says how to use it.
///
/// # Errors
/// If the file cannot be read or written.
pub fn announce(profile: &str, saved: &Saved) -> Result<String> {
    let program = std::env::current_exe().context("the path of this program")?;
    let section = section(profile, saved, &program);
    let Some(path) = path() else { return Ok(by_hand("your AWS settings", &section)) };
    let old = match fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let Some(new) = merged(&old, profile, &section) else {
        return Ok(by_hand(&path.display().to_string(), &section));
    };
    if new != old {
        write_private(&path, new.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(format!("Use it: aws --profile {profile} sts get-caller-identity, or export AWS_PROFILE={profile}"))
}

fn by_hand(path: &str, section: &str) -> String {
    format!(
        "There is another profile of that name in {path}. For AWS tools to use the login, put this there:\n{section}"
    )
}

fn path() -> Option<PathBuf> {
    let set = std::env::var_os("AWS_CONFIG_FILE").map(PathBuf::from);
    set.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".aws/config")))
}

fn header(profile: &str) -> String {
    if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") }
}

/// What tells a section of ours: nobody else's has this command.
fn command(profile: &str) -> String {
    format!("credentials --profile {profile}")
}

fn section(profile: &str, saved: &Saved, program: &Path) -> String {
    let program = program.display().to_string();
    let program = if program.contains(char::is_whitespace) { format!("\"{program}\"") } else { program };
    let mut text = format!(
        "{}\ncredential_process = {program} {}\nregion = {}\nendpoint_url = {}\n",
        header(profile),
        command(profile),
        saved.region,
        saved.endpoint
    );
    if let Some(authority) = &saved.authority {
        text.push_str(&format!("ca_bundle = {}\n", authority.display()));
    }
    text
}

/// The file with the section in it, in the place of an earlier one of ours; none if there is one of somebody else's.
fn merged(old: &str, profile: &str, section: &str) -> Option<String> {
    let header = header(profile);
    let lines: Vec<&str> = old.lines().collect();
    let Some(start) = lines.iter().position(|line| line.trim() == header) else {
        let gap = if old.is_empty() || old.ends_with("\n\n") { "" } else { "\n" };
        let end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{old}{end}{gap}{section}"));
    };
    let length = lines[start + 1..].iter().take_while(|line| !line.trim_start().starts_with('[')).count();
    let end = start + 1 + length;
    let is_ours =
        |line: &&str| line.trim_start().starts_with("credential_process") && line.ends_with(&command(profile));
    lines[start + 1..end].iter().find(|line| is_ours(line))?;
    // What somebody has added to ours stays.
    let known = ["credential_process", "region", "endpoint_url", "ca_bundle"];
    let kept = lines[start + 1..end].iter().filter(|line| {
        let key = line.split('=').next().unwrap_or_default().trim();
        !known.contains(&key)
    });
    let whole = lines[..start].iter().copied().chain(section.lines()).chain(kept.copied());
    let mut new: String = whole.chain(lines[end..].iter().copied()).collect::<Vec<_>>().join("\n");
    new.push('\n');
    Some(new)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Saved, merged, section};

    fn saved(authority: Option<&str>) -> Saved {
        Saved {
            endpoint: "https://c.example".into(),
            authority: authority.map(Into::into),
            account: "a".into(),
            user: "u".into(),
            arn: "arn".into(),
            region: "eu-lab-1".into(),
            access_key: "ASIA".into(),
            secret: "s".into(),
            token: "t".into(),
            expires: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_section_is_added_replaced_and_never_taken_from_another() {
        let ours = section("p", &saved(None), Path::new("/usr/bin/welkin"));
        assert_eq!(
            ours,
            "[profile p]\ncredential_process = /usr/bin/welkin credentials --profile p\nregion = eu-lab-1\n\
             endpoint_url = https://c.example\n"
        );
        let other = section("p", &saved(Some("/ca.pem")), Path::new("/opt/my programs/welkin"));
        assert!(
            other.contains("= \"/opt/my programs/welkin\" credentials") && other.ends_with("ca_bundle = /ca.pem\n")
        );
        let before = "[default]\nregion = x\n";
        let after = "\n[profile q]\nregion = y\n";
        for (old, expected) in [
            (String::new(), Some(ours.clone())),
            (before.to_owned(), Some(format!("{before}\n{ours}"))),
            ("[default]\nregion = x".to_owned(), Some(format!("{before}\n{ours}"))),
            (ours.clone(), Some(ours.clone())),
            (format!("{before}{other}{after}"), Some(format!("{before}{ours}{after}"))),
            (format!("{before}{other}output = json\n{after}"), Some(format!("{before}{ours}output = json\n{after}"))),
            ("[profile p]\nrole_arn = r\n".to_owned(), None),
            ("[profile p]\n[profile q]\ncredential_process = x credentials --profile p\n".to_owned(), None),
        ] {
            assert_eq!(merged(&old, "p", &ours), expected, "{old}");
        }
        let default = section("default", &saved(None), Path::new("w"));
        assert_eq!(merged("[default]\nregion = x\n", "default", &default), None);
    }
}
