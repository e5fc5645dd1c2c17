//! Where a setting comes from: flags beat the environment, the environment beats the file, the file beats defaults.
//! Not here: what the settings do.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use region::NewBuckets;

use crate::backing::Backing;
use crate::bucket_hosts::BucketNames;
use crate::watching::Watching;
use crate::{lifecycle, new_buckets};

/// Everything that can be set, as `key`, `about`. Flags spell them `--key-with-dashes`, the file `key_with_underscores`
/// and the environment `WELKIN_KEY`.
pub const KEYS: &[(&str, &str)] = &[
    ("allow_plain", "with TLS: also answer plain HTTP on the same port"),
    ("audit_data_events", "whether calls on objects and the like are recorded: on or off"),
    ("audit_days", "days after which records of the audit trail go"),
    ("audit_size", "MiB that the audit trail may have"),
    ("backing", "an S3-compatible bucket for the bytes of objects, such as https://s3.example.net/bucket"),
    ("backing_access_key", "the access key id for that bucket"),
    ("backing_region", "the region of that bucket"),
    ("backing_secret_key", "the secret access key for that bucket"),
    ("blobs", "more folders for the bytes of objects, one a disk, beside the data folder's own"),
    ("config", "the settings file"),
    ("data_dir", "the folder that holds everything of a region"),
    ("domain", "the domain whose names lead to this region"),
    ("dev", "whether everybody on this machine is believed without proof"),
    ("host", "what runs the machines: linux, or sim for the API alone"),
    ("listen", "address and port of the endpoint"),
    ("log", "what to log, such as info or region=debug"),
    ("log_format", "how log lines look: text or json"),
    ("observe_from", "networks that may see details of the health and metrics"),
    ("public_pool", "the block that public addresses come from"),
    ("region", "the name of the region"),
    ("s3_domains", "domains below which every name is a bucket"),
    ("s3_lifecycle_day", "how long a day is for lifecycle rules of buckets"),
    ("s3_new_buckets", "what new buckets are like: aws, or classic"),
    ("s3_websites", "host names that are buckets with websites"),
    ("throttle", "how fast each account may call: so many times AWS's documented rates, or off"),
    ("tls", "off, or self-signed for a certificate that the region makes itself"),
    ("tls_cert", "a file with a certificate and its chain, PEM"),
    ("tls_key", "a file with the certificate's private key, PEM"),
    ("store", "where the facts are: sqlite, or postgres://user@host/database"),
    ("zones", "availability zones: how many, or their names"),
];

/// Where the file is looked for when none is named.
const FILES: &[&str] = &["welkin.toml", "/etc/welkin/welkin.toml"];

/// What runs the machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// This machine: QEMU, namespaces, nftables.
    Linux,
    /// A simulator.
    Sim,
}

/// How clients are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsKind {
    /// In plain HTTP.
    Off,
    /// With a certificate that the region makes and renews itself.
    SelfSigned,
    /// With the certificate and the key in these files.
    Files(PathBuf, PathBuf),
}

/// Where the facts are.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreKind {
    /// In the data folder.
    Sqlite,
    /// In a database of PostgreSQL, by its connection string, which may have a password in it.
    Postgres(String),
}

impl std::fmt::Debug for StoreKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        })
    }
}

/// The settings of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Address and port of the endpoint.
    pub listen: SocketAddr,
    /// The folder of the region.
    pub data_dir: PathBuf,
    /// Name of the region.
    pub region: String,
    /// Names of its zones.
    pub zones: Vec<String>,
    /// What runs the machines.
    pub host: HostKind,
    /// The block of public addresses; none to have one chosen by the data folder's name.
    pub public_pool: Option<(Ipv4Addr, u8)>,
    /// The log filter.
    pub log: String,
    /// What watches over it.
    pub watching: Watching,
    /// How clients are spoken to.
    pub tls: TlsKind,
    /// Whether plain HTTP is answered beside TLS.
    pub is_plain_allowed: bool,
    /// The domain whose names lead here: `s3.<domain>` and so on.
    pub domain: String,
    /// Whether everybody on this machine is believed without proof.
    pub is_dev: bool,
    /// Where the facts are.
    pub store: StoreKind,
    /// Folders for the bytes of objects beside the data folder's own.
    pub blobs: Vec<PathBuf>,
    /// A bucket elsewhere for the bytes of objects.
    pub backing: Option<Backing>,
    /// How long a day is for lifecycle rules of buckets.
    pub lifecycle_day: Duration,
    /// What new buckets are like.
    pub new_buckets: NewBuckets,
    /// Host names that are buckets.
    pub bucket_hosts: BucketNames,
}

/// A setting that cannot be, or a file of settings that cannot be read.
#[derive(Debug)]
pub struct Wrong(anyhow::Error);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Wrong {}

/// What is wrong with an option, so that the program ends as it does for one that it does not know.
pub fn wrong(cause: anyhow::Error) -> anyhow::Error {
    Wrong(cause).into()
}

/// Values by key, from one source.
pub type Values = BTreeMap<String, String>;

impl Settings {
    /// Settles the settings from flags, the environment of this process and the file.
    ///
    /// # Errors
    /// [`Wrong`]: an unknown key (naming the nearest known one), an unreadable file, or a value that its key does not
    /// take.
    pub fn of_process(flags: Values) -> Result<Self> {
        let settled = from_environment(std::env::vars()).and_then(|environment| Self::resolve(flags, environment));
        Ok(settled.map_err(Wrong)?)
    }

    /// The same from any environment.
    ///
    /// # Errors
    /// As for [`Settings::of_process`], without the type.
    pub fn resolve(flags: Values, environment: Values) -> Result<Self> {
        let named = flags.get("config").or_else(|| environment.get("config")).map(PathBuf::from);
        let file = match named {
            Some(path) => read_file(&path)?,
            None => match FILES.iter().map(Path::new).find(|path| path.exists()) {
                Some(path) => read_file(path)?,
                None => Values::new(),
            },
        };
        let mut values = file;
        values.extend(environment);
        values.extend(flags);
        Self::from_values(&values)
    }

    fn from_values(values: &Values) -> Result<Self> {
        let text = |key: &str| values.get(key).map(String::as_str);
        let listen = text("listen").unwrap_or("127.0.0.1:4566");
        let region = text("region").unwrap_or("us-east-1").to_owned();
        if !is_region(&region) {
            bail!("region: '{region}' is not a region name such as us-east-1");
        }
        let host = match text("host").unwrap_or("linux") {
            "linux" => HostKind::Linux,
            "sim" => HostKind::Sim,
            other => bail!("host: '{other}' is neither linux nor sim"),
        };
        let listen: SocketAddr = listen
            .parse()
            .with_context(|| format!("listen: '{listen}' is not an address and port such as 127.0.0.1:4566"))?;
        let is_dev = flag("dev", text("dev"))?;
        if is_dev && !listen.ip().is_loopback() {
            bail!(
                "dev: everybody would be believed, so it goes with a loopback address alone, not with listen = {listen}"
            );
        }
        Ok(Self {
            listen,
            is_dev,
            data_dir: text("data_dir").map_or_else(default_data_dir, PathBuf::from),
            zones: zones(&region, text("zones").unwrap_or("3"))?,
            region,
            host,
            public_pool: text("public_pool").map(parse_pool).transpose()?,
            log: text("log").unwrap_or("info").to_owned(),
            watching: Watching::from_values(values)?,
            tls: tls(text("tls"), text("tls_cert"), text("tls_key"))?,
            lifecycle_day: lifecycle::day(text("s3_lifecycle_day"))?,
            new_buckets: new_buckets::new_buckets(text("s3_new_buckets"))?,
            bucket_hosts: BucketNames::of(text("s3_domains"), text("s3_websites"))?,
            is_plain_allowed: flag("allow_plain", text("allow_plain"))?,
            domain: domain(text("domain").unwrap_or("localhost"))?,
            backing: Backing::from_values(values)?,
            blobs: text("blobs")
                .unwrap_or_default()
                .split(',')
                .filter(|path| !path.is_empty())
                .map(absolute)
                .collect::<Result<_>>()?,
            store: match text("store").unwrap_or("sqlite") {
                "sqlite" => StoreKind::Sqlite,
                url if store_postgres::is_postgres(url) => StoreKind::Postgres(url.to_owned()),
                // Not repeated: it may be a connection string with a password, mistyped.
                _ => bail!("store: it is neither sqlite nor a connection string such as postgres://user@host/database"),
            },
        })
    }
}

/// The settings in the environment: every variable that begins with `WELKIN_`.
///
/// # Errors
/// An unknown one.
pub fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Result<Values> {
    let mut values = Values::new();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix("WELKIN_") else { continue };
        let key = key.to_ascii_lowercase();
        known(&key).map_err(|nearest| {
            anyhow::anyhow!("environment: unknown WELKIN_{}; did you mean WELKIN_{}?", name_of(&key), name_of(nearest))
        })?;
        values.insert(key, value);
    }
    Ok(values)
}

fn name_of(key: &str) -> String {
    key.to_ascii_uppercase()
}

fn read_file(path: &Path) -> Result<Values> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    from_toml(&text).with_context(|| path.display().to_string())
}

fn from_toml(text: &str) -> Result<Values> {
    let table: toml::Table = text.parse()?;
    let mut values = Values::new();
    for (key, value) in table {
        known(&key).map_err(|nearest| anyhow::anyhow!("unknown key '{key}'; did you mean '{nearest}'?"))?;
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(is_so) => is_so.to_string(),
            toml::Value::Array(items) => items
                .into_iter()
                .map(|item| item.as_str().map(str::to_owned).with_context(|| format!("{key}: a list of strings")))
                .collect::<Result<Vec<_>>>()?
                .join(","),
            _ => bail!("{key}: a string, a number or a boolean is wanted"),
        };
        values.insert(key, value);
    }
    Ok(values)
}

/// Accepts a known key; for another one gives the nearest.
fn known(key: &str) -> Result<(), &'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, key);
    let nearest = KEYS.iter().map(|(known, _)| *known).min_by_key(|known| distance(known)).unwrap_or_default();
    if nearest == key { Ok(()) } else { Err(nearest) }
}

fn is_region(name: &str) -> bool {
    (3..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && name.bytes().last().is_some_and(|byte| byte.is_ascii_digit())
}

/// AWS names zones by the region and a letter; a number asks for so many of them.
fn zones(region: &str, text: &str) -> Result<Vec<String>> {
    if let Ok(count) = text.parse::<u8>() {
        if !(1..=6).contains(&count) {
            bail!("zones: between 1 and 6");
        }
        return Ok((0..count).map(|index| format!("{region}{}", char::from(b'a' + index))).collect());
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    for name in &names {
        let letter = name.strip_prefix(region).unwrap_or_default();
        if letter.len() != 1 || !letter.bytes().all(|byte| byte.is_ascii_lowercase()) {
            bail!("zones: '{name}' is not the region and a letter, such as {region}a");
        }
    }
    if names.len() > 6 || (1..names.len()).any(|index| names[..index].contains(&names[index])) {
        bail!("zones: up to 6 different ones");
    }
    Ok(names)
}

fn tls(kind: Option<&str>, cert: Option<&str>, key: Option<&str>) -> Result<TlsKind> {
    match (kind, cert, key) {
        (None, Some(cert), Some(key)) => Ok(TlsKind::Files(cert.into(), key.into())),
        (None | Some("off"), None, None) => Ok(TlsKind::Off),
        (Some("self-signed"), None, None) => Ok(TlsKind::SelfSigned),
        (None, Some(_), None) => bail!("tls_cert: its private key is wanted too, as tls_key"),
        (None, None, Some(_)) => bail!("tls_key: its certificate is wanted too, as tls_cert"),
        (Some("off" | "self-signed"), ..) => bail!("tls: with tls_cert and tls_key it is not set"),
        (Some(other), ..) => bail!("tls: '{other}' is neither off nor self-signed"),
    }
}

/// The path of a folder, which must not depend on where the program is started.
fn absolute(path: &str) -> Result<PathBuf> {
    let path = Path::new(path.trim());
    if !path.is_absolute() {
        bail!("blobs: '{}' does not begin at the root of the file system", path.display());
    }
    Ok(path.to_owned())
}

fn flag(key: &str, text: Option<&str>) -> Result<bool> {
    match text.unwrap_or("false") {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => bail!("{key}: '{other}' is neither true nor false"),
    }
}

pub(crate) fn domain(text: &str) -> Result<String> {
    let name = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 200 || !name.split('.').all(is_label) || name.parse::<Ipv4Addr>().is_ok() {
        bail!("domain: '{text}' is not a domain such as cloud.example.net");
    }
    Ok(name)
}

fn parse_pool(text: &str) -> Result<(Ipv4Addr, u8)> {
    let parsed = text.split_once('/').and_then(|(base, length)| {
        let (base, length) = (base.parse::<Ipv4Addr>().ok()?, length.parse::<u8>().ok()?);
        let mask = u32::MAX.checked_shl(u32::from(32 - length.min(32))).unwrap_or(0);
        ((16..=28).contains(&length) && base.to_bits() & !mask == 0).then_some((base, length))
    });
    parsed.with_context(|| format!("public_pool: '{text}' is not a block from /16 to /28 such as 198.18.7.0/24"))
}

fn default_data_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/welkin");
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("welkin")
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::{HostKind, Settings, StoreKind, TlsKind, Values, from_environment, from_toml};

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn check(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::from_values(&values(pairs)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn defaults() {
        let settings = check(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:4566");
        assert_eq!(settings.region, "us-east-1");
        assert_eq!(settings.zones, ["us-east-1a", "us-east-1b", "us-east-1c"]);
        assert_eq!(settings.host, HostKind::Linux);
        assert_eq!(settings.store, StoreKind::Sqlite);
        let settings = check(&[("store", "postgres://ada:secret@db/cloud")]).unwrap();
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(check(&[("zones", "1"), ("region", "eu-lab-7")]).unwrap().zones, ["eu-lab-7a"]);
        assert_eq!(check(&[("zones", "us-east-1b,us-east-1d")]).unwrap().zones, ["us-east-1b", "us-east-1d"]);
        for (key, value) in [
            ("listen", "4566"),
            ("region", "Nowhere"),
            ("region", ""),
            ("zones", "0"),
            ("zones", "eu-west-1a"),
            ("zones", "us-east-1a,us-east-1a"),
            ("host", "vmware"),
            ("store", "mysql://ada:secret@db/cloud"),
            ("public_pool", "198.18.0.1/24"),
            ("public_pool", "198.18.0.0/8"),
            ("public_pool", "pool"),
            ("tls", "on"),
            ("tls_cert", "cert.pem"),
            ("tls_key", "key.pem"),
            ("allow_plain", "perhaps"),
            ("domain", "my cloud"),
            ("domain", "cloud..net"),
            ("domain", "10.1.2.3"),
            ("dev", "yes"),
            ("blobs", "/srv/one,two"),
        ] {
            let error = check(&[(key, value)]).unwrap_err();
            assert!(error.starts_with(key) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn tls_has_one_source() {
        assert_eq!(check(&[]).unwrap().tls, TlsKind::Off);
        assert_eq!(check(&[("tls", "self-signed")]).unwrap().tls, TlsKind::SelfSigned);
        let files = [("tls_cert", "c"), ("tls_key", "k")];
        assert_eq!(check(&files).unwrap().tls, TlsKind::Files("c".into(), "k".into()));
        assert!(check(&[("tls", "self-signed"), files[0], files[1]]).unwrap_err().starts_with("tls:"));
        assert_eq!(from_toml("allow_plain = true").unwrap()["allow_plain"], "true");
    }

    #[test]
    fn development_mode_stays_on_this_machine() {
        assert!(!check(&[]).unwrap().is_dev);
        for listen in ["127.0.0.1:4566", "127.8.8.8:1", "[::1]:4566"] {
            assert!(check(&[("dev", "true"), ("listen", listen)]).unwrap().is_dev, "{listen}");
        }
        for listen in ["0.0.0.0:4566", "[::]:4566", "10.0.0.1:4566", "[::ffff:10.0.0.1]:80"] {
            let error = check(&[("dev", "1"), ("listen", listen)]).unwrap_err();
            assert!(error.starts_with("dev:"), "{error}");
            assert!(check(&[("dev", "0"), ("listen", listen)]).is_ok());
        }
        assert_eq!(from_toml("dev = true").unwrap()["dev"], "true");
    }

    #[test]
    fn flags_beat_environment_beats_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("welkin.toml");
        std::fs::write(&file, "region = 'eu-a-1'\nzones = 2\nlog = 'warn'\n").unwrap();
        let path = file.to_str().unwrap();
        let settings = Settings::resolve(
            values(&[("region", "eu-c-1")]),
            values(&[("config", path), ("region", "eu-b-1"), ("log", "debug")]),
        )
        .unwrap();
        assert_eq!((settings.region.as_str(), settings.log.as_str(), settings.zones.len()), ("eu-c-1", "debug", 2));
    }

    #[test]
    fn unknown_keys_name_the_nearest_known_one() {
        let error = from_toml("datadir = 'x'").unwrap_err().to_string();
        assert_eq!(error, "unknown key 'datadir'; did you mean 'data_dir'?");
        let variable = ("WELKIN_LISTNE".to_owned(), "x".to_owned());
        let error = from_environment([variable].into_iter()).unwrap_err().to_string();
        assert_eq!(error, "environment: unknown WELKIN_LISTNE; did you mean WELKIN_LISTEN?");
        assert!(from_environment([("PATH".to_owned(), "x".to_owned())].into_iter()).unwrap().is_empty());
    }
}
