//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::completions::{self, Shell};
use crate::settings::{Settings, Values};
use crate::{
    account, audit_trail, backup, bucket_hosts, convert, doctor, down, env, explain, image, lifecycle, login,
    new_buckets, object_key, reconcilers, restart, restore, session, space, up, watching,
};

/// A cloud of your own: an AWS-compatible region on this machine.
#[derive(Parser)]
#[command(name = "welkin", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a region in the foreground; Ctrl-C stops it and leaves its machines running
    #[command(after_help = UP_HELP)]
    Up(Box<Up>),
    /// Stop a region with its machines and networks; the next `up` starts them again
    #[command(after_help = DOWN_HELP)]
    Down(Down),
    /// Let this very program take over a running region: no connection is refused, no machine stops
    #[command(after_help = RESTART_HELP)]
    Restart(Region),
    /// Print what points AWS tools at a region: eval "$(welkin env)"
    #[command(after_help = ENV_HELP)]
    Env(Region),
    /// Sign in to a region as a user: AWS tools get credentials that end by themselves
    #[command(after_help = login::HELP)]
    Login(login::Login),
    /// Print the credentials of a login as AWS tools take them (credential_process)
    Credentials(login::Profile),
    /// End a login before its time
    Logout(login::Profile),
    /// Say what this machine offers to a region, and how to get what is missing
    Doctor(Region),
    /// Copy a region, running or not, into one file; machines' disks and images stay where they are
    Backup(Backup),
    /// Make a data folder out of a backup
    Restore(Restore),
    /// The store that holds every fact of a region
    #[command(subcommand)]
    Store(Store),
    /// Look into a running region
    #[command(subcommand)]
    Admin(Admin),
    /// The accounts of a running region: separate owners, who share nothing unless they say so
    #[command(subcommand, after_help = ACCOUNT_HELP)]
    Account(Account),
    /// The sessions of a running region: temporary credentials that STS gave
    #[command(subcommand, after_help = SESSION_HELP)]
    Session(Session),
    /// Who called what, from where, and how it ended
    #[command(after_help = AUDIT_HELP)]
    Audit(Audit),
    /// Why a call was allowed or refused, statement by statement
    #[command(after_help = EXPLAIN_HELP)]
    Explain(Explain),
    /// Where the space of objects goes: by bucket, and on each disk
    Du(Du),
    /// Read every byte of every object, and say whose are damaged
    #[command(after_help = SCRUB_HELP)]
    Scrub(Scrub),
    /// Machine images
    #[command(subcommand)]
    Image(Image),
    /// Print what completes commands and options in your shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// Your shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Args)]
struct Audit {
    #[command(flatten)]
    options: audit_trail::Options,
    #[command(flatten)]
    region: Region,
}

#[derive(Args)]
struct Explain {
    #[command(flatten)]
    options: explain::Options,
    #[command(flatten)]
    region: Region,
}

#[derive(Args)]
struct Du {
    #[command(flatten)]
    options: space::DuOptions,
    #[command(flatten)]
    region: Region,
}

#[derive(Args)]
struct Scrub {
    #[command(flatten)]
    options: space::ScrubOptions,
    #[command(flatten)]
    region: Region,
}

const SCRUB_HELP: &str = "\
A region reads all bytes by itself, once a week and slowly. This reads them now. It fails if something is damaged.

Examples:
  welkin scrub                             everything, now; it may run or not
  welkin scrub --found                     only what was found until now";

const HELP: &str = "\
First steps:
  welkin up --host sim                     a region in this terminal: all of the API, and nothing boots
  eval \"$(welkin env)\"                     in another one: AWS tools now talk to it
  aws s3 mb s3://my-first-bucket

With root and QEMU, `welkin up` alone runs real machines; `welkin doctor` says what is missing for that.

Every option of a region can also be set in the environment (WELKIN_DATA_DIR) or in welkin.toml
(data_dir = \"...\"). Options beat the environment, the environment beats the file.
Exit codes: 0, done; 1, could not be done; 2, the command line or a setting is wrong.";

const UP_HELP: &str = "\
Examples:
  welkin up                                 machines on this host; needs root and QEMU
  welkin up --host sim                      the API alone, for any user; nothing boots
  welkin up --tls self-signed               https, with a certificate that it makes and renews itself
  welkin up --listen 0.0.0.0:443 --domain cloud.example.net --tls-cert chain.pem --tls-key key.pem

Then, in another terminal: eval \"$(welkin env)\" and use any AWS tool.
Signals: TERM or INT stop the region, HUP reads the certificate again, USR2 restarts it in place.";

const DOWN_HELP: &str = "\
Examples:
  welkin down            machines and networks stop; disks, buckets and records stay
  welkin down --purge    everything goes, the data folder too: it cannot be taken back

To stop the program alone and leave its machines running, press Ctrl-C where `welkin up` runs, or send it TERM.";

const ENV_HELP: &str = "\
Examples:
  eval \"$(welkin env)\"                     for this shell
  welkin env > region.env                  for later; it has the secret of the root key";

const RESTART_HELP: &str = "\
Install a new welkin, then run `welkin restart`: the region drains, becomes the new program, and goes on. Meanwhile new
connections wait, mostly for less than a second. If the new program could not start, the region goes on as it was.

Examples:
  welkin restart                           after an upgrade, or to have welkin.toml read again
  ./target/release/welkin restart          as the program that you have just built";

const AUDIT_HELP: &str = "\
Examples:
  welkin audit --since 1h                  the last hour, a line a call
  welkin audit --follow --event RunInstances
  welkin audit --json | jq 'select(.errorCode)'";

const EXPLAIN_HELP: &str = "\
The id of a request is in its answer, in what clients print of an error, and in `welkin audit`.

Examples:
  welkin explain 5f2b1f0e-9a53-4c57-8a9c-3a0f8f1f2a11
  welkin explain 5f2b1f0e-9a53-4c57-8a9c-3a0f8f1f2a11 --json | jq .authorization";

const COMPLETIONS_HELP: &str = "\
Examples:
  welkin completions bash > /etc/bash_completion.d/welkin
  welkin completions zsh > ~/.zfunc/_welkin                  (with fpath+=~/.zfunc before compinit)
  welkin completions fish > ~/.config/fish/completions/welkin.fish";

const SESSION_HELP: &str = "\
Examples:
  welkin session list                      those that are good now
  welkin session revoke ASIAEXAMPLE        its next request is refused";

#[derive(Subcommand)]
enum Session {
    /// List the sessions that are good now
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        region: Region,
    },
    /// End a session now
    Revoke {
        /// Its access key id, ASIA…
        access_key: String,
        #[command(flatten)]
        region: Region,
    },
}

const ACCOUNT_HELP: &str = "\
Examples:
  welkin account create lab                a new account; prints the key of its root, once
  eval \"$(welkin account create lab --env)\"   ... as what `welkin env` prints
  welkin account list
  welkin account close 123456789012        its keys stop working at once; nothing of it is deleted";

#[derive(Subcommand)]
enum Account {
    /// Make an account with a root key and a default network
    Create {
        /// What to call it, 1 to 50 characters
        name: String,
        /// Print the exports that point AWS tools at it
        #[arg(long)]
        env: bool,
        #[command(flatten)]
        region: Region,
    },
    /// List all accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        region: Region,
    },
    /// Close an account: no call of it is answered any more
    Close {
        /// Its id, twelve digits
        account: String,
        #[command(flatten)]
        region: Region,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// How the reconcilers do: state, queue and last error of each
    Reconcilers(Region),
}

#[derive(Subcommand)]
enum Store {
    /// Copy every fact of a stopped region from one engine to another, and compare the two
    Convert {
        /// Where they are: a data folder, or postgres://USER@HOST/DATABASE
        #[arg(long, value_name = "FOLDER|URL")]
        from: String,
        /// Where they go: as --from, and empty
        #[arg(long, value_name = "FOLDER|URL")]
        to: String,
    },
    /// Make a new key to seal objects' keys with, from the next start on; those before it are kept
    NewObjectKey(Region),
}

#[derive(Subcommand)]
enum Image {
    /// Build an image into the data folder; a running region offers it within seconds
    Build(Build),
}

#[derive(Args)]
struct Build {
    /// Which image: tiny (Debian's kernel, busybox, dropbear)
    #[arg(value_parser = ["tiny"])]
    name: String,
    /// Do nothing if the image is there already
    #[arg(long)]
    if_missing: bool,
    #[command(flatten)]
    region: Region,
}

#[derive(Args)]
struct Backup {
    /// The file to make, readable by you alone: it holds the region's secrets
    file: PathBuf,
    /// Put it in the place of a file that is there
    #[arg(long)]
    replace: bool,
    /// Where the facts of a stopped region are, if not in its folder: postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    region: Region,
}

#[derive(Args)]
struct Restore {
    /// The backup
    file: PathBuf,
    /// Only read the backup and say whether it is whole
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    region: Region,
}

/// Which region: its folder.
#[derive(Args)]
struct Region {
    /// Folder that holds everything of the region [default: /var/lib/welkin, or ~/.local/share/welkin without root]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file [default: ./welkin.toml, then /etc/welkin/welkin.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    region: Region,
    /// Address and port of the endpoint [default: 127.0.0.1:4566]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Name of the region [default: us-east-1]
    #[arg(long = "region", value_name = "NAME")]
    name: Option<String>,
    /// Availability zones: how many, or their names [default: 3]
    #[arg(long, value_name = "COUNT|NAMES")]
    zones: Option<String>,
    /// What runs the machines: linux, or sim for the API alone [default: linux]
    #[arg(long, value_name = "KIND")]
    host: Option<String>,
    /// Block that public addresses come from [default: a free /24 of 198.18.0.0/15]
    #[arg(long, value_name = "CIDR")]
    public_pool: Option<String>,
    /// Where the facts are: sqlite, for the data folder, or postgres://user@host/database (with its password in PGPASSWORD
    /// or ~/.pgpass) [default: sqlite]
    #[arg(long, value_name = "sqlite|URL")]
    store: Option<String>,
    /// Another folder for the bytes of objects, on a disk of its own; once used, it belongs to the region
    #[arg(long, value_name = "DIR")]
    blobs: Vec<String>,
    /// What to log: error, warn, info, debug, or a list such as info,edge=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Development mode: believe everybody on this machine, without checking signatures (loopback only; never kept)
    #[arg(long)]
    dev: bool,
    #[command(flatten)]
    watching: watching::Options,
    #[command(flatten)]
    lifecycle: lifecycle::LifecycleOptions,
    #[command(flatten)]
    bucket_hosts: bucket_hosts::BucketHostOptions,
    #[command(flatten)]
    new_buckets: new_buckets::NewBucketOptions,
    #[command(flatten)]
    front: Front,
    /// Only say whether a region could start with these settings
    #[arg(long)]
    check: bool,
}

/// How clients are spoken to.
#[derive(Args)]
struct Front {
    /// Speak TLS: off, or self-signed for a certificate that the region makes and renews itself [default: off]
    #[arg(long, value_name = "KIND", help_heading = "TLS")]
    tls: Option<String>,
    /// Speak TLS with the certificate in this file, PEM, its chain after it; read again when it changes
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    tls_cert: Option<String>,
    /// The certificate's private key, PEM: PKCS#8, PKCS#1 or SEC1
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    tls_key: Option<String>,
    /// Answer plain HTTP too, on the same port; without it, plain requests are told to use https
    #[arg(long, help_heading = "TLS")]
    allow_plain: bool,
    /// Domain whose names lead to this machine: buckets are reached as <bucket>.s3.<domain> [default: localhost]
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    domain: Option<String>,
}

#[derive(Args)]
struct Down {
    #[command(flatten)]
    region: Region,
    /// Also remove every trace: machines, networks and the whole data folder
    #[arg(long)]
    purge: bool,
}

/// Runs what the command line asks for.
pub fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Up(options) if options.check => up::check(&options.settings()?),
        Command::Up(options) => up::run(&options.settings()?),
        Command::Down(options) => down::run(&options.region.settings()?, options.purge),
        Command::Restart(options) => restart::run(&options.settings()?),
        Command::Completions { shell } => completions::print(shell, &mut Cli::command()),
        Command::Env(options) => env::run(&options.settings()?),
        Command::Login(options) => login::run(options),
        Command::Credentials(options) => login::credentials(&options),
        Command::Logout(options) => login::logout(&options),
        Command::Doctor(options) => doctor::run(&options.settings()?),
        Command::Backup(options) => backup::run(&options.settings()?, &options.file, options.replace),
        Command::Restore(options) => restore::run(&options.region.settings()?, &options.file, options.check),
        Command::Store(Store::Convert { from, to }) => convert::run(&from, &to),
        Command::Store(Store::NewObjectKey(region)) => object_key::run(&region.settings()?),
        Command::Admin(Admin::Reconcilers(options)) => reconcilers::run(&options.settings()?),
        Command::Account(Account::Create { name, env, region }) => account::create(&region.settings()?, name, env),
        Command::Session(Session::List { json, region }) => session::list(&region.settings()?, json),
        Command::Session(Session::Revoke { access_key, region }) => session::revoke(&region.settings()?, access_key),
        Command::Account(Account::List { json, region }) => account::list(&region.settings()?, json),
        Command::Account(Account::Close { account, region }) => account::close(&region.settings()?, &account),
        Command::Audit(audit) => audit_trail::run(&audit.region.settings()?, &audit.options),
        Command::Explain(explain) => explain::run(&explain.region.settings()?, &explain.options),
        Command::Du(du) => space::du(&du.region.settings()?, &du.options),
        Command::Scrub(scrub) => space::scrub(&scrub.region.settings()?, &scrub.options),
        Command::Image(Image::Build(options)) => {
            image::build(&options.region.settings()?, &options.name, options.if_missing)
        }
    }
}

impl Region {
    fn values(&self) -> Values {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let options = [("data_dir", self.data_dir.as_ref().map(text)), ("config", self.config.as_ref().map(text))];
        collect(options)
    }

    fn settings(&self) -> Result<Settings> {
        Settings::of_process(self.values())
    }
}

impl Backup {
    fn settings(&self) -> Result<Settings> {
        let mut values = self.region.values();
        values.extend(collect([("store", self.store.clone())]));
        Settings::of_process(values)
    }
}

impl Up {
    fn settings(self) -> Result<Settings> {
        let mut values = self.region.values();
        values.extend(collect([
            ("listen", self.listen),
            ("region", self.name),
            ("zones", self.zones),
            ("host", self.host),
            ("public_pool", self.public_pool),
            ("log", self.log),
            ("tls", self.front.tls),
            ("tls_cert", self.front.tls_cert),
            ("tls_key", self.front.tls_key),
            ("allow_plain", self.front.allow_plain.then(|| "true".to_owned())),
            ("domain", self.front.domain),
            ("dev", self.dev.then(|| "true".to_owned())),
            ("store", self.store),
            ("blobs", (!self.blobs.is_empty()).then(|| self.blobs.join(","))),
        ]));
        values.extend(self.watching.values());
        values.extend(self.lifecycle.values());
        values.extend(self.bucket_hosts.values());
        values.extend(self.new_buckets.values());
        Settings::of_process(values)
    }
}

fn collect<const N: usize>(options: [(&str, Option<String>); N]) -> Values {
    options.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
