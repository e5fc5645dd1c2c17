//! Development mode as people see it: what is printed and exported.
//! Not here: who is believed, which the edge decides.

use std::path::Path;
use std::time::Duration;

use region::RootKey;
use region::admin::{Answer, Request, ask};

use crate::processes;

/// What `welkin doctor` says of a region that runs in this mode on a data folder.
pub async fn finding(data_dir: &Path) -> Option<String> {
    let socket = processes::reconciling(data_dir).await;
    match ask(&socket, Request::Status, Duration::from_secs(5)).await {
        Ok(Answer::Status(status)) if status.is_dev => {
            Some(format!("NOT CHECKED: the region in {} runs in development mode", data_dir.display()))
        }
        _ => None,
    }
}

/// What says at every start that nobody is asked who they are; red where there are colours.
pub fn banner(has_colours: bool) -> String {
    let text = "  DEVELOPMENT MODE (--dev): any credentials are accepted and no signature is checked.\n  \
                An access key of 12 digits selects that account, anything else 000000000000.\n  \
                It holds for this machine alone, and for this start alone.";
    if has_colours { format!("\x1b[1;31m{text}\x1b[0m") } else { text.to_owned() }
}

/// What `welkin env` exports then: the account's own number, so that tools act in the account that the banner names.
pub fn key(root: &RootKey) -> RootKey {
    let (access_key, secret) = (root.account.to_string(), "dev".to_owned());
    RootKey { account: root.account.clone(), access_key, secret }
}

#[cfg(test)]
mod tests {
    use super::banner;

    #[test]
    fn the_banner_is_red_on_terminals_only() {
        assert!(banner(true).starts_with("\x1b[1;31m") && banner(true).ends_with("\x1b[0m"));
        assert!(!banner(false).contains('\x1b') && banner(false).contains("DEVELOPMENT MODE"));
    }
}
