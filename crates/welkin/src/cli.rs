//! The command line.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::settings::{Settings, Values, from_environment};
use crate::{audit_trail, doctor, down, env, image, reconcilers, up, watching};

/// A cloud of your own: an AWS-compatible region on this machine.
#[derive(Parser)]
#[command(name = "welkin", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Every option of a region can also be set in the environment (WELKIN_DATA_DIR) or in welkin.toml\n(data_dir = \"...\"). Options beat the environment, the environment beats the file."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a region in the foreground; Ctrl-C stops it and leaves its machines running
    Up(Up),
    /// Stop a region with its machines and networks; the next `up` starts them again
    Down(Down),
    /// Print what points AWS tools at a region: eval "$(welkin env)"
    Env(Region),
    /// Say what this machine offers to a region, and how to get what is missing
    Doctor(Region),
    /// Look into a running region
    #[command(subcommand)]
    Admin(Admin),
    /// Who called what, from where, and how it ended
    Audit(Audit),
    /// Machine images
    #[command(subcommand)]
    Image(Image),
}

#[derive(Args)]
struct Audit {
    #[command(flatten)]
    options: audit_trail::Options,
    #[command(flatten)]
    region: Region,
}

#[derive(Subcommand)]
enum Admin {
    /// How the reconcilers do: state, queue and last error of each
    Reconcilers(Region),
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
    /// What to log: error, warn, info, debug, or a list such as info,edge=debug [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    #[command(flatten)]
    watching: watching::Options,
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
        Command::Up(options) => up::run(options.settings()?),
        Command::Down(options) => down::run(&options.region.settings()?, options.purge),
        Command::Env(options) => env::run(&options.settings()?),
        Command::Doctor(options) => doctor::run(&options.settings()?),
        Command::Admin(Admin::Reconcilers(options)) => reconcilers::run(&options.settings()?),
        Command::Audit(audit) => audit_trail::run(&audit.region.settings()?, &audit.options),
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
        Settings::resolve(self.values(), from_environment(std::env::vars())?)
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
        ]));
        values.extend(self.watching.values());
        Settings::resolve(values, from_environment(std::env::vars())?)
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
