//! PostgreSQL for tests: one server for all test processes of a user, started by the first of them and stopped some time
//! after the last; and servers of a test's own, to be killed. Each test gets a database of its own.
//!
//! The shared server syncs nothing to disk. Those of a test's own do, as they are there to be killed.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use store_postgres::{Postgres, Target};

/// Stops a server once nobody has held `users` for two looks in a row, and removes it.
const WATCHER: &str = r#"
(
idle=0
while [ $idle -lt 2 ]; do
    sleep 10
    if flock --exclusive --nonblock users true; then idle=$((idle + 1)); else idle=0; fi
done
exec 9> starting
flock --exclusive 9
if flock --exclusive --nonblock users true; then
    "$1/pg_ctl" -D data -m immediate -w stop
    rm -rf data
else
    exec sh -c "$2" sh "$1" "$2"
fi
) &
"#;

/// A server.
pub struct Server {
    folder: PathBuf,
    programs: PathBuf,
    owner: Option<(u32, u32)>,
    /// Of a test's own: stopped and removed with it.
    own: Option<tempfile::TempDir>,
}

/// A database that goes with its test.
pub struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Server {
    /// The server that all tests share.
    ///
    /// # Panics
    /// When PostgreSQL isn't installed or doesn't start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<(Server, File)> = OnceLock::new();
        let (server, _) = SHARED.get_or_init(|| {
            let owner = owner();
            let user = owner.map_or_else(user, |(user, _)| user);
            let folder = std::env::temp_dir().join(format!("welkin-test-postgres-{user}"));
            fs::create_dir_all(&folder).expect("the temporary folder can be written");
            let server = Self { folder, programs: programs(), owner, own: None };
            server.give(&server.folder, 0o700);
            let lock = |name: &str| {
                let path = server.folder.join(name);
                let file = File::options().create(true).append(true).open(&path).expect("a lock can be made");
                server.give(&path, 0o600);
                file
            };
            let starting = lock("starting");
            starting.lock().expect("a lock can be taken");
            let users = lock("users");
            users.lock_shared().expect("a lock can be taken");
            if !server.is_running() {
                let _ = fs::remove_dir_all(server.data());
                server.make();
                server.configure(
                    "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nmax_connections = 400\n",
                );
                server.start();
                let mut watcher = server.command(Path::new("sh"));
                watcher.args(["-c", WATCHER, "sh"]).arg(&server.programs).arg(WATCHER).process_group(0);
                watcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                watcher.status().expect("a shell starts");
            }
            (server, users)
        });
        server
    }

    /// A server of one's own, that keeps what it acknowledges.
    ///
    /// # Panics
    /// As [`Server::shared`].
    pub fn own() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let server = Self { folder: folder.path().to_owned(), programs: programs(), owner: owner(), own: Some(folder) };
        server.give(&server.folder, 0o700);
        server.make();
        server.configure("max_connections = 60\n");
        server.start();
        server
    }

    /// Adds lines to its configuration; they count from the next start on.
    pub fn configure(&self, lines: &str) {
        let file = self.data().join("postgresql.auto.conf");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, before + lines).expect("the configuration can be written");
    }

    /// Starts it and waits until it answers.
    pub fn start(&self) {
        let log = self.folder.join("log");
        let log = log.to_str().expect("a temporary folder has a plain name");
        self.control(&["-w", "-t", "60", "-l", log, "start"]);
    }

    /// Kills all its processes, as when its machine fails.
    pub fn kill(&self) {
        self.control(&["-m", "immediate", "-w", "stop"]);
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The connection string of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.folder.display())
    }

    /// A new, empty database.
    pub fn database(&self) -> Database<'_> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Database { server: self, name }
    }

    /// What a statement gives: rows as lines, columns parted by `|`.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        self.try_sql(database, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    fn try_sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut psql = self.command(&self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command"]);
        psql.arg(statement).arg(self.url(database));
        let output = psql.output().expect("psql starts");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn is_running(&self) -> bool {
        let mut control = self.command(&self.programs.join("pg_ctl"));
        let status = control.arg("-D").arg(self.data()).arg("status").output();
        status.expect("pg_ctl starts").status.success()
    }

    fn make(&self) {
        let mut init = self.command(&self.programs.join("initdb"));
        init.args(["--no-sync", "--no-instructions", "--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        let output = init.args(["--locale=C", "-D"]).arg(self.data()).output().expect("initdb starts");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        self.configure(&format!(
            "unix_socket_directories = '{}'\nlisten_addresses = ''\nshared_buffers = '32MB'\n",
            self.folder.display()
        ));
    }

    fn control(&self, arguments: &[&str]) {
        let mut control = self.command(&self.programs.join("pg_ctl"));
        // Its output goes to a file, as a server that inherits a pipe keeps it open.
        control.arg("-D").arg(self.data()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let status = control.status().expect("pg_ctl starts");
        let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(status.success(), "pg_ctl {arguments:?}: {}", log());
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_remove("PGPASSWORD").env_remove("PGHOST");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn give(&self, path: &Path, mode: u32) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).expect("root may give files away");
        }
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("the owner may set modes");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.own.is_some() && self.is_running() {
            self.kill();
        }
    }
}

impl Database<'_> {
    /// Its connection string.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The engine on it.
    ///
    /// # Panics
    /// When it doesn't open.
    pub fn open(&self) -> Postgres {
        let target = Target::parse(&self.url()).expect("the server's own connection string");
        Postgres::open(&target).expect("the database is there")
    }

    /// What a statement in it gives.
    pub fn sql(&self, statement: &str) -> String {
        self.server.sql(&self.name, statement)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // A server that was killed has nothing to drop, and the shared one is removed as a whole.
        let _ = self.server.try_sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Who runs the server: nobody else than ourselves, unless we are root.
fn owner() -> Option<(u32, u32)> {
    if user() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("users can be read");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("a user other than root"))
}

fn user() -> u32 {
    fs::metadata("/proc/self").expect("/proc is there").uid()
}

/// Where the server's programs are: Debian keeps them off the path.
fn programs() -> PathBuf {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = debian.chain(std::env::split_paths(&path)).collect();
    places.retain(|place| place.join("initdb").exists() && place.join("pg_ctl").exists());
    places.into_iter().next().expect("PostgreSQL is installed; scripts/install-needs test does so")
}
