//! `welkin env`: what points AWS tools at a region.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};
use region::RootKey;

use crate::certificate::Certificate;
use crate::data_dir::DataDir;
use crate::settings::Settings;

/// Prints the exports of a region that has been started at least once.
pub fn run(settings: &Settings) -> Result<()> {
    let path = settings.data_dir.join("environment");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("no region has been started in {}: {}", settings.data_dir.display(), path.display())
    })?;
    print!("{text}");
    Ok(())
}

/// The exports for another account of a region that has been started: those of the first one, with this key.
///
/// # Errors
/// The region has not been started yet.
pub fn of_account(settings: &Settings, access_key: &str, secret: &str) -> Result<String> {
    let path = settings.data_dir.join("environment");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("no region has been started in {}", settings.data_dir.display()))?;
    let line = |line: &str| match line {
        _ if line.starts_with("export AWS_ACCESS_KEY_ID=") => format!("export AWS_ACCESS_KEY_ID='{access_key}'\n"),
        _ if line.starts_with("export AWS_SECRET_ACCESS_KEY=") => format!("export AWS_SECRET_ACCESS_KEY='{secret}'\n"),
        _ => format!("{line}\n"),
    };
    Ok(text.lines().map(line).collect())
}

/// How clients on this machine reach a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL.
    pub url: String,
    /// The file of the authority that they must trust, if it is the region's own.
    pub authority: Option<PathBuf>,
}

impl Endpoint {
    /// The endpoint behind an address: in plain HTTP; or in TLS by the name that the certificate has, which is the
    /// address if the region made it.
    pub fn new(address: SocketAddr, tls: Option<&Certificate>, domain: &str) -> Self {
        let authority = tls.and_then(Certificate::authority);
        let port = address.port();
        let url = match tls {
            None => format!("http://{}", reachable(address)),
            Some(_) if authority.is_some() => format!("https://{}", reachable(address)),
            Some(_) => format!("https://{domain}:{port}"),
        };
        Self { url, authority }
    }
}

/// Writes what [`run`] prints.
///
/// # Errors
/// The kernel's.
pub fn write(data: &DataDir, endpoint: &Endpoint, region: &str, root: &RootKey) -> Result<()> {
    let text = exports(endpoint, region, &root.access_key, &root.secret);
    let path = data.environment();
    match data.write_secret(&path, text.as_bytes()) {
        Err(error) if is_full(&error) => write_in_place(&path, text.as_bytes()).map_err(|_| error),
        outcome => outcome,
    }
}

fn is_full(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
}

/// Into the room that the file has: a region must start on a full disk, or nothing can be deleted there.
fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all_at(bytes, 0)?;
    file.set_len(bytes.len() as u64)
}

/// The address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn exports(endpoint: &Endpoint, region: &str, access_key: &str, secret: &str) -> String {
    let url = &endpoint.url;
    let mut text = format!("export AWS_ENDPOINT_URL='{url}'\n");
    if let Some(authority) = &endpoint.authority {
        let path = authority.display().to_string().replace('\'', "'\\''");
        // The second one is what Node.js reads, and with it the CDK.
        text.push_str(&format!("export AWS_CA_BUNDLE='{path}'\nexport NODE_EXTRA_CA_CERTS='{path}'\n"));
    }
    // A session token of another login would be sent along and refused.
    text.push_str(&format!(
        "export AWS_ACCESS_KEY_ID='{access_key}'\nexport AWS_SECRET_ACCESS_KEY='{secret}'\nexport AWS_DEFAULT_REGION='{region}'\nexport AWS_REGION='{region}'\nunset AWS_SESSION_TOKEN AWS_PROFILE\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, exports};

    fn url(address: &str) -> String {
        Endpoint::new(address.parse().unwrap(), None, "localhost").url
    }

    #[test]
    fn a_wildcard_address_is_reached_by_loopback() {
        assert_eq!(url("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(url("[::]:80"), "http://[::1]:80");
        assert_eq!(url("10.1.2.3:80"), "http://10.1.2.3:80");
    }

    fn check(endpoint: &Endpoint, lines: &[&str]) {
        let text = exports(endpoint, "eu-lab-1", "AKIAX", "s/e+c");
        for line in lines {
            assert!(text.lines().any(|own| own == *line), "{line}: {text}");
        }
    }

    #[test]
    fn exports_hold_what_tools_read() {
        let mut endpoint = Endpoint { url: "http://127.0.0.1:4566".to_owned(), authority: None };
        let lines = [
            "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'",
            "export AWS_ACCESS_KEY_ID='AKIAX'",
            "export AWS_SECRET_ACCESS_KEY='s/e+c'",
            "export AWS_DEFAULT_REGION='eu-lab-1'",
        ];
        check(&endpoint, &lines);
        assert!(!exports(&endpoint, "eu-lab-1", "AKIAX", "s").contains("BUNDLE"));
        endpoint.authority = Some("/it's/ca.pem".into());
        check(&endpoint, &["export AWS_CA_BUNDLE='/it'\\''s/ca.pem'"]);
    }
}
