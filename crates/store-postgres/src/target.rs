//! Which database: a connection string as PostgreSQL's own tools take it, and where its password comes from.
//! Not here: what is kept there. The password is in no message.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::OpenError;
use crate::tls::Tls;

/// How long one try to connect may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// A database to keep a store in.
#[derive(Clone)]
pub struct Target {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    place: String,
    has_password_in_text: bool,
}

impl Target {
    /// Reads a connection string: `postgres://user@host:port/database`, with `sslmode=disable|prefer|require|verify-full`
    /// and `sslrootcert=FILE` among its parameters. A password that it leaves out is taken from `PGPASSWORD`, or from
    /// `PGPASSFILE` or `~/.pgpass`.
    ///
    /// # Errors
    /// [`OpenError::Target`], which doesn't repeat the string: it may have a password in it.
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let variable = |name: &str| std::env::var(name).ok();
        Self::parse_with(text, &variable)
    }

    fn parse_with(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, OpenError> {
        let wrong = |why: &str| OpenError::Target(format!("the connection string of PostgreSQL: {why}"));
        if !is_postgres(text) {
            return Err(wrong("it begins with postgres://"));
        }
        let (base, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (mut kept, mut mode, mut roots) = (Vec::new(), None, None);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => roots = Some(PathBuf::from(value.replace("%2F", "/"))),
                _ => kept.push(parameter),
            }
        }
        let rest = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
        let mut config: Config =
            rest.parse().map_err(|error: tokio_postgres::Error| wrong(&crate::error::text(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        let (ssl_mode, tls) = match mode.as_deref() {
            Some("disable") => (SslMode::Disable, Tls::unverified()),
            None | Some("allow" | "prefer") => (SslMode::Prefer, Tls::unverified()),
            Some("require") => (SslMode::Require, Tls::unverified()),
            Some("verify-ca" | "verify-full") => (SslMode::Require, Tls::verified(roots.as_deref())),
            Some(_) => return Err(wrong("sslmode is disable, prefer, require or verify-full")),
        };
        let tls = tls.map_err(|why| wrong(&why))?;
        config
            .ssl_mode(ssl_mode)
            .application_name("welkin")
            .connect_timeout(CONNECT)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_user().is_none() {
            let user = variable("PGUSER").or_else(|| variable("USER")).ok_or_else(|| wrong("it names no user"))?;
            config.user(user);
        }
        let has_password_in_text = config.get_password().is_some();
        if !has_password_in_text && let Some(password) = password(&config, variable) {
            config.password(password);
        }
        let place = place(&config);
        Ok(Self { config, tls, place, has_password_in_text })
    }

    /// Whether the password stood in the connection string itself, where other users of the machine may read it.
    pub fn has_password_in_text(&self) -> bool {
        self.has_password_in_text
    }
}

impl fmt::Display for Target {
    /// Host, port and database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.place)
    }
}

/// Whether a setting names a database of PostgreSQL.
pub fn is_postgres(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let ports = config.get_ports();
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            Host::Unix(folder) => folder.display().to_string(),
        }
    });
    let hosts: Vec<String> = hosts.collect();
    format!("{}/{}", hosts.join(","), database(config))
}

fn database(config: &Config) -> &str {
    config.get_dbname().or(config.get_user()).unwrap_or_default()
}

fn password(config: &Config, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(password) = variable("PGPASSWORD") {
        return Some(password);
    }
    let file = variable("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".pgpass")))?;
    let mode = fs::metadata(&file).ok()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "others may read this file of passwords, so it isn't used: chmod 0600 it");
        return None;
    }
    let text = fs::read_to_string(&file).ok()?;
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let host = config.get_hosts().first().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(_) => "localhost".to_owned(),
    })?;
    let wanted = [host.as_str(), &port, database(config), config.get_user().unwrap_or_default()];
    text.lines().find_map(|line| password_in(line, &wanted))
}

/// The password of a line of a password file, if the line is about the database wanted.
/// Source: <https://www.postgresql.org/docs/current/libpq-pgpass.html>.
fn password_in(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.last_mut()?;
        match character {
            '\\' => last.extend(characters.next()),
            ':' => fields.push(String::new()),
            other => last.push(other),
        }
    }
    let (password, about) = fields.split_last()?;
    let is_it = about.len() == 4 && about.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
    is_it.then(|| password.clone())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tokio_postgres::config::SslMode;

    use super::{Target, password_in};

    fn parse(text: &str) -> Result<Target, String> {
        Target::parse_with(text, &|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn connection_strings_are_read_and_passwords_not_shown() {
        let target = parse("postgres://ada:secret@db.example:6543/cloud?sslmode=require").unwrap();
        assert_eq!(target.to_string(), "db.example:6543/cloud");
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert!(target.has_password_in_text());
        assert!(!format!("{target:?}").contains("secret"));
        let target = parse("postgresql:///cloud?host=/run/postgresql&user=ada&sslmode=disable").unwrap();
        assert_eq!(target.to_string(), "/run/postgresql/cloud");
        assert!(!target.has_password_in_text());
        for (text, why) in [
            ("mysql://ada:secret@db/cloud", "postgres://"),
            ("postgres://ada:secret@db/cloud?sslmode=never", "sslmode is"),
            ("postgres://ada:secret@db/cloud?colour=red", "colour"),
            ("postgres:///cloud", "names no host"),
            ("postgres://db/cloud", "names no user"),
            ("postgres://ada:secret@db/cloud?sslmode=verify-full&sslrootcert=/nowhere", "sslrootcert: /nowhere"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn passwords_come_from_the_environment_or_a_file_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passes");
        fs::write(&file, "# mine\nother:*:*:*:wrong\ndb:5432:*:ada:se\\:cret\n").unwrap();
        let find = |mode: u32, environment: Option<&str>| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let variable = |name: &str| match name {
                "PGPASSFILE" => Some(file.to_str().unwrap().to_owned()),
                "PGPASSWORD" => environment.map(str::to_owned),
                _ => None,
            };
            let target = Target::parse_with("postgres://ada@db/cloud", &variable).unwrap();
            target.config.get_password().map(|password| String::from_utf8(password.to_vec()).unwrap())
        };
        assert_eq!(find(0o600, None).as_deref(), Some("se:cret"));
        assert_eq!(find(0o644, None), None);
        assert_eq!(find(0o600, Some("first")).as_deref(), Some("first"));
        assert_eq!(password_in("db:5432:cloud:bob:x", &["db", "5432", "cloud", "ada"]), None);
    }
}
