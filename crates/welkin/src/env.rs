//! `welkin env`: what points AWS tools at a region.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use region::RootKey;

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

/// Writes what [`run`] prints.
///
/// # Errors
/// The kernel's.
pub fn write(data: &DataDir, address: SocketAddr, region: &str, root: &RootKey) -> Result<()> {
    let text = exports(address, region, &root.access_key, &root.secret);
    data.write_secret(&data.environment(), text.as_bytes())
}

/// The endpoint as a URL that a client on this machine can use.
pub fn endpoint(address: SocketAddr) -> String {
    let reachable = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(reachable, address.port()))
}

fn exports(address: SocketAddr, region: &str, access_key: &str, secret: &str) -> String {
    let endpoint = endpoint(address);
    // A session token of another login would be sent along and refused.
    format!(
        "export AWS_ENDPOINT_URL='{endpoint}'\nexport AWS_ACCESS_KEY_ID='{access_key}'\nexport AWS_SECRET_ACCESS_KEY='{secret}'\nexport AWS_DEFAULT_REGION='{region}'\nexport AWS_REGION='{region}'\nunset AWS_SESSION_TOKEN AWS_PROFILE\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{endpoint, exports};

    #[test]
    fn a_wildcard_address_is_reached_by_loopback() {
        assert_eq!(endpoint("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(endpoint("[::]:80".parse().unwrap()), "http://[::1]:80");
        assert_eq!(endpoint("10.1.2.3:80".parse().unwrap()), "http://10.1.2.3:80");
    }

    #[test]
    fn exports_hold_what_tools_read() {
        let text = exports("127.0.0.1:4566".parse().unwrap(), "eu-lab-1", "AKIAX", "s/e+c");
        for line in [
            "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'",
            "export AWS_ACCESS_KEY_ID='AKIAX'",
            "export AWS_SECRET_ACCESS_KEY='s/e+c'",
            "export AWS_DEFAULT_REGION='eu-lab-1'",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}");
        }
    }
}
