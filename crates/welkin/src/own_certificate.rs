//! The certificate that a region makes itself: an authority of its own in the data folder, which clients are told to
//! trust, and a certificate by it for every name of the region, renewed before it runs out.
//! Not here: certificates that others issue.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use serde::{Deserialize, Serialize};

use crate::addresses::heard_under;
use crate::data_dir::DataDir;
use crate::settings::Settings;

/// Days that the authority is valid: as long as anybody will keep such a region.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Days that the certificate is valid.
const DAYS: i64 = 90;
/// Days before its end when it is replaced.
const RENEW_DAYS: i64 = 30;

/// Where a region's own certificate is.
pub struct OwnCertificate {
    /// What clients must trust.
    pub authority: PathBuf,
    /// The certificate.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What was made, to see without a look into the certificate whether it is still right.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    names: Vec<String>,
    until: Timestamp,
}

impl OwnCertificate {
    /// The files of a data folder.
    pub fn of(data: &DataDir) -> Self {
        let file = |name: &str| data.tls().join(name);
        Self { authority: file("ca.pem"), chain: file("server.pem"), key: file("server.key") }
    }
}

/// The certificate of a region; made if there is none for exactly these names that is valid for long enough. The
/// authority stays, so that whoever trusts it goes on doing so.
///
/// # Errors
/// If a file cannot be read or written.
pub fn ensure(data: &DataDir, names: &[String], now: Timestamp) -> Result<OwnCertificate> {
    let folder = data.tls();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let files = OwnCertificate::of(data);
    let made_file = folder.join("made.json");
    let made = fs::read(&made_file).ok().and_then(|bytes| serde_json::from_slice::<Made>(&bytes).ok());
    let is_good = |made: &Made| made.names == names && now < renewal(made.until);
    if made.as_ref().is_some_and(is_good) {
        return Ok(files);
    }
    let authority = authority(data, &files, now)?;
    // Between the first and the last of these files there is no certificate: whoever finds that makes one.
    if let Err(cause) = fs::remove_file(&made_file)
        && cause.kind() != io::ErrorKind::NotFound
    {
        return Err(cause).with_context(|| format!("cannot replace {}", made_file.display()));
    }
    let key = KeyPair::generate()?;
    let until = days_later(now, DAYS);
    let chain = server(names, now, &until)?.signed_by(&key, &authority)?.pem();
    data.write_secret(&files.key, key.serialize_pem().as_bytes())?;
    data.write_secret(&files.chain, chain.as_bytes())?;
    let made = Made { names: names.to_vec(), until: until.timestamp() };
    data.write_secret(&made_file, &serde_json::to_vec_pretty(&made)?)?;
    Ok(files)
}

fn renewal(until: Timestamp) -> Timestamp {
    until.saturating_sub((RENEW_DAYS * 24).hours()).unwrap_or(until)
}

/// Midnight, as certificates are made by days.
fn days_later(now: Timestamp, days: i64) -> Zoned {
    let today = now.to_zoned(TimeZone::UTC);
    let later = today.saturating_add(days.days());
    later.start_of_day().unwrap_or(later)
}

fn authority(data: &DataDir, files: &OwnCertificate, now: Timestamp) -> Result<Issuer<'static, KeyPair>> {
    let key_file = files.authority.with_file_name("ca.key");
    let name = match data.identity()? {
        Some(identity) => format!("Welkin region {}", identity.tag),
        None => "Welkin region".to_owned(),
    };
    let params = || {
        let mut params = params(&name, now, &days_later(now, AUTHORITY_DAYS));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    };
    if files.authority.exists() && key_file.exists() {
        let text = fs::read_to_string(&key_file).with_context(|| format!("cannot read {}", key_file.display()))?;
        let key = KeyPair::from_pem(&text).with_context(|| format!("{} is damaged", key_file.display()))?;
        return Ok(Issuer::new(params(), key));
    }
    let key = KeyPair::generate()?;
    data.write_secret(&key_file, key.serialize_pem().as_bytes())?;
    let params = params();
    data.write_secret(&files.authority, params.self_signed(&key)?.pem().as_bytes())?;
    Ok(Issuer::new(params, key))
}

fn server(names: &[String], now: Timestamp, until: &Zoned) -> Result<CertificateParams> {
    let mut params = params("Welkin endpoint", now, until);
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn params(name: &str, now: Timestamp, until: &Zoned) -> CertificateParams {
    // A clock that is a little behind ours is no reason to refuse.
    let from = days_later(now, -1);
    let date = |day: &Zoned| {
        let (month, day_of_month) = (day.month().unsigned_abs(), day.day().unsigned_abs());
        date_time_ymd(i32::from(day.year()), month, day_of_month)
    };
    let mut params = CertificateParams::default();
    params.not_before = date(&from);
    params.not_after = date(until);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Every name under which a region is reached: the machine's own, and those below its domain as AWS has them below
/// `amazonaws.com`. Source: <https://docs.aws.amazon.com/general/latest/gr/rande.html>.
pub fn names(settings: &Settings) -> Vec<String> {
    let (domain, region) = (&settings.domain, &settings.region);
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
    };
    if is_name(&host) {
        names.push(host);
    }
    names.extend(heard_under(settings.listen.ip()).iter().map(ToString::to_string));
    names.push(domain.clone());
    for prefix in ["", "s3.", "s3-control."] {
        names.push(format!("*.{prefix}{domain}"));
        names.push(format!("*.{prefix}{region}.{domain}"));
    }
    // Websites of buckets have either form.
    names.push(format!("*.s3-website-{region}.{domain}"));
    names.push(format!("*.s3-website.{region}.{domain}"));
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use jiff::{Timestamp, ToSpan};
    use region::Tls;

    use super::{DAYS, OwnCertificate, RENEW_DAYS, ensure};
    use crate::data_dir::DataDir;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn read(files: &OwnCertificate) -> [Vec<u8>; 3] {
        [&files.authority, &files.chain, &files.key].map(|path| fs::read(path).unwrap())
    }

    #[test]
    fn a_certificate_is_made_once_and_renewed_in_time_by_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let of = names(&["localhost", "127.0.0.1", "::1", "*.s3.example.net"]);
        let first = read(&ensure(&data, &of, now).unwrap());
        Tls::new(&first[1], &first[2]).expect("certificate and key belong together");
        assert_eq!(read(&ensure(&data, &of, now).unwrap()), first, "what is good stays");
        let almost = now + ((DAYS - RENEW_DAYS) * 24 - 13).hours();
        assert_eq!(read(&ensure(&data, &of, almost).unwrap()), first);
        let late = now + ((DAYS - RENEW_DAYS) * 24 + 13).hours();
        let second = read(&ensure(&data, &of, late).unwrap());
        assert!(second[0] == first[0] && second[1] != first[1] && second[2] != first[2]);
        let third = read(&ensure(&data, &names(&["localhost"]), late).unwrap());
        assert!(third[0] == first[0] && third[1] != second[1], "another name");
        Tls::new(&third[1], &third[2]).unwrap();
        for file in fs::read_dir(data.tls()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
        }
    }

    #[test]
    fn a_making_that_was_cut_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::create(folder.path()).unwrap();
        let of = names(&["localhost"]);
        let first = read(&ensure(&data, &of, Timestamp::UNIX_EPOCH).unwrap());
        fs::remove_file(data.tls().join("made.json")).unwrap();
        fs::write(data.tls().join("server.key"), "half a k").unwrap();
        let second = read(&ensure(&data, &of, Timestamp::UNIX_EPOCH).unwrap());
        assert!(second[0] == first[0]);
        Tls::new(&second[1], &second[2]).unwrap();
    }
}
