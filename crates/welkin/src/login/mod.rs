//! `welkin login`, `welkin credentials` and `welkin logout`: a person signs in to a region, and AWS tools get what came of
//! it, until it ends. Not here: who is let in, which the region says.

mod client;
mod config;
mod prompt;
mod saved;

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::login::client::Door;
use crate::login::prompt::Prompt;
use crate::login::saved::Saved;
use crate::settings;

/// How often somebody may mistype a new password.
const MAX_NEW_PASSWORDS: u32 = 3;

/// Who signs in, and where.
#[derive(Args)]
pub struct Login {
    /// The region's endpoint [default: that of the last login, then $AWS_ENDPOINT_URL, then http://127.0.0.1:4566]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The account: its id or its alias [default: that of the last login]
    #[arg(long, value_name = "ID|ALIAS")]
    account: Option<String>,
    /// The user's name [default: that of the last login]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// For how long, such as 45m, 8h or 3600 (seconds): 15m to 36h [default: 12h]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    duration: Option<u32>,
    /// File with the authority to trust, PEM [default: $AWS_CA_BUNDLE, then this machine's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    profile: Profile,
}

/// Which login.
#[derive(Args)]
pub struct Profile {
    /// The profile of AWS tools that the login is for
    #[arg(long, value_name = "NAME", default_value = "welkin", value_parser = profile_name)]
    profile: String,
}

/// What `welkin login --help` says in the end.
pub const HELP: &str = "\
Examples:
  welkin login --endpoint https://cloud.example.net --account 123456789012 --user ann
  aws --profile welkin s3 ls               with what came of it, until it ends
  welkin login                             again, as the same user

It asks for the password, and for the code of your MFA device if you have one. Where the input is no terminal, it reads
both from there, a line each. See docs/login.md.";

/// Signs in.
///
/// # Errors
/// What the region says, or that it cannot be reached.
pub fn run(options: Login) -> Result<()> {
    let profile = &options.profile.profile;
    let last = Saved::read(profile)?;
    let of_last = |get: fn(&Saved) -> &String| last.as_ref().map(|last| get(last).clone());
    let missing = |option: &str| settings::wrong(anyhow!("say {option}: nobody has signed in as profile {profile}"));
    let endpoint = options.endpoint.or_else(|| of_last(|last| &last.endpoint));
    let endpoint = endpoint.or_else(|| std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty()));
    let endpoint = endpoint.unwrap_or_else(|| "http://127.0.0.1:4566".to_owned());
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    let Some(account) = options.account.or_else(|| of_last(|last| &last.account)) else {
        return Err(missing("--account"));
    };
    let Some(user) = options.user.or_else(|| of_last(|last| &last.user)) else { return Err(missing("--user")) };
    let authority = options.ca.or_else(|| std::env::var_os("AWS_CA_BUNDLE").map(PathBuf::from));
    let authority = authority.or_else(|| last.as_ref().and_then(|last| last.authority.clone()));
    let authority = authority.map(|path| std::path::absolute(&path)).transpose()?;

    let door = Door::new(&endpoint, authority.clone())?;
    let mut prompt = Prompt::new();
    let password = prompt.secret(&format!("Password of {user} in {account}: "))?;
    let mut request = json!({ "account": account, "user": user, "password": password });
    if let Some(seconds) = options.duration {
        request["seconds"] = json!(seconds);
    }
    let given = converse(&door, &mut prompt, &mut request)?;
    let text = |name: &str| given[name].as_str().map(str::to_owned).ok_or_else(|| anyhow!("an answer without {name}"));
    let saved = Saved {
        endpoint,
        authority,
        account,
        user,
        arn: text("arn")?,
        region: text("region")?,
        access_key: text("access_key")?,
        secret: text("secret")?,
        token: text("token")?,
        expires: text("expires")?.parse()?,
    };
    saved.write(profile)?;
    let how = config::announce(profile, &saved)?;
    let mfa = if given["mfa"] == true { ", with MFA" } else { "" };
    eprintln!("Signed in as {}{mfa}, until {}.\n{how}", saved.arn, saved.expires);
    Ok(())
}

/// Asks the region, and the person for what it still wants.
fn converse(door: &Door, prompt: &mut Prompt, request: &mut Value) -> Result<Value> {
    let mut new_passwords = 0;
    let mut is_code_fresh = true;
    loop {
        let (status, answer) = door.post("/_welkin/login", request)?;
        if status == 200 {
            return Ok(answer);
        }
        let said = answer["message"].as_str().unwrap_or("the region gave an answer that makes no sense").to_owned();
        match answer["error"].as_str() {
            // The region never tells whether it was the code that was missing, so people are asked before they give up.
            Some("wrong") if request.get("code").is_none() || !is_code_fresh => {
                let code = prompt.line("Code of the MFA device (just Enter, if there is none): ")?;
                if code.is_empty() {
                    bail!("{said}");
                }
                request["code"] = json!(code);
                is_code_fresh = true;
            }
            Some(word @ ("new-password" | "not-taken")) if new_passwords < MAX_NEW_PASSWORDS => {
                eprintln!("{said}");
                if word == "not-taken" && request.get("new_password").is_none() {
                    bail!("{said}");
                }
                request["new_password"] = json!(new_password(prompt)?);
                new_passwords += 1;
                is_code_fresh = request.get("code").is_none();
            }
            _ => bail!("{said}"),
        }
    }
}

fn new_password(prompt: &mut Prompt) -> Result<String> {
    for _ in 0..MAX_NEW_PASSWORDS {
        let password = prompt.secret("New password: ")?;
        if !prompt.is_terminal() || prompt.secret("The new password again: ")? == password {
            return Ok(password);
        }
        eprintln!("These are two passwords.");
    }
    bail!("no new password")
}

/// Prints the credentials of a login as AWS tools take them from a `credential_process`.
/// Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.
///
/// # Errors
/// If nobody has signed in, or the login has ended.
pub fn credentials(options: &Profile) -> Result<()> {
    let profile = &options.profile;
    let Some(saved) = Saved::read(profile)? else {
        bail!("nobody has signed in as profile {profile}: run `welkin login --profile {profile}`");
    };
    if saved.expires <= Timestamp::now() {
        let when = saved.expires;
        bail!("the login of profile {profile} ended at {when}: run `welkin login --profile {profile}`");
    }
    let answer = json!({
        "Version": 1,
        "AccessKeyId": saved.access_key,
        "SecretAccessKey": saved.secret,
        "SessionToken": saved.token,
        "Expiration": saved.expires.to_string(),
    });
    println!("{answer}");
    Ok(())
}

/// Signs out: ends the session at the region, and forgets it here even if the region cannot be reached.
///
/// # Errors
/// If the region did not end it, or what is here cannot be removed.
pub fn logout(options: &Profile) -> Result<()> {
    let profile = &options.profile;
    let Some(saved) = Saved::read(profile)? else {
        eprintln!("Nobody is signed in as profile {profile}.");
        return Ok(());
    };
    let request = json!({ "access_key": saved.access_key, "token": saved.token });
    let ended = Door::new(&saved.endpoint, saved.authority.clone())
        .and_then(|door| door.post("/_welkin/logout", &request))
        .and_then(|(status, answer)| if status == 200 { Ok(()) } else { Err(anyhow!("{}", answer["message"])) });
    Saved::remove(profile)?;
    if let (Err(error), true) = (ended, saved.expires > Timestamp::now()) {
        let when = saved.expires;
        return Err(error.context(format!("forgotten here, but the region did not end it: it is good until {when}")));
    }
    eprintln!("Signed out.");
    Ok(())
}

fn profile_name(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(is_good) {
        return Err("a profile is named by up to 64 letters, digits, '-', '_' and '.'".to_owned());
    }
    Ok(text.to_owned())
}

fn seconds(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.strip_suffix(['h', 'm', 's']) {
        Some(number) if text.ends_with('h') => (number, 3600),
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) => (number, 1),
        None => (text, 1),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (900..=129_600).contains(seconds));
    seconds.ok_or_else(|| "a login lasts from 15m to 36h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{profile_name, seconds};

    #[test]
    fn times_and_names() {
        for (text, expected) in [
            ("15m", Some(900)),
            ("36h", Some(129_600)),
            ("3600", Some(3600)),
            ("900s", Some(900)),
            ("37h", None),
            ("14m", None),
            ("h", None),
            ("99999999h", None),
            ("-1h", None),
        ] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
        for (name, is_good) in
            [("welkin", true), ("a.b-c_9", true), ("", false), ("../x", false), ("a/b", false), (".a", false)]
        {
            assert_eq!(profile_name(name).is_ok(), is_good, "{name}");
        }
    }
}
