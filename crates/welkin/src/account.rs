//! `welkin account`: makes, lists and closes accounts of a running region.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use region::admin::{Answer, Request, ask};
use region::{AccountAnswer, AccountLine, AccountOrder};

use crate::settings::Settings;
use crate::{env, processes};

/// Makes an account, and prints its root key, or with `is_env` the exports that point AWS tools at it.
pub fn create(settings: &Settings, name: String, is_env: bool) -> Result<()> {
    let made = order(settings, AccountOrder::Create(name))?;
    let AccountAnswer::Created { account, access_key, secret } = made else {
        bail!("unexpected answer");
    };
    if is_env {
        print!("{}", env::of_account(settings, &access_key, &secret)?);
    } else {
        println!("account            {account}\naccess key id      {access_key}\nsecret access key  {secret}");
        println!("\nThis is the key of its root user, and it is not shown again. Give people users and roles instead.");
    }
    Ok(())
}

/// Prints all accounts.
pub fn list(settings: &Settings, is_json: bool) -> Result<()> {
    let AccountAnswer::Listed(lines) = order(settings, AccountOrder::List)? else { bail!("unexpected answer") };
    if is_json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        print!("{}", table(&lines));
    }
    Ok(())
}

/// Closes an account.
pub fn close(settings: &Settings, account: &str) -> Result<()> {
    let account = account.parse().map_err(|error| anyhow::anyhow!("{account}: {error}"))?;
    let AccountAnswer::Closed = order(settings, AccountOrder::Close(account))? else { bail!("unexpected answer") };
    println!("closed: its keys and sessions do not work any more; its machines and data are as they were");
    Ok(())
}

fn order(settings: &Settings, order: AccountOrder) -> Result<AccountAnswer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Each process of a region can do it: the first that answers does.
    let sockets = processes::sockets(&settings.data_dir);
    ensure!(!sockets.is_empty(), "no region runs in {}", settings.data_dir.display());
    let mut last = None;
    for folder in &sockets {
        match runtime.block_on(ask(folder, Request::Account(order.clone()), Duration::from_secs(30))) {
            Ok(Answer::Account(answer)) => return Ok(answer),
            Ok(Answer::Refused(why)) => bail!("{why}"),
            Ok(other) => bail!("unexpected answer: {other:?}"),
            // Whether an order was carried out that nobody answered is not known: it is not given twice.
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => return Err(error.into()),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
    Err(error).with_context(|| format!("no region runs in {}; start it with `welkin up`", settings.data_dir.display()))
}

fn table(lines: &[AccountLine]) -> String {
    let mut text = format!("{:<12}  {:<9}  {:<20}  {}\n", "ACCOUNT", "STATE", "CREATED", "NAME");
    for line in lines {
        let state = if line.is_active { "active" } else { "closed" };
        let created = line.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        text.push_str(&format!("{:<12}  {state:<9}  {created:<20}  {}\n", line.account.as_str(), line.name));
    }
    text
}
