//! Running other programs: bounded in time, with an error that says what to do.

use std::ffi::OsStr;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::ImageError;

/// How much of what a failed program printed goes into the error.
const TAIL_BYTES: usize = 600;

/// A program that the build calls, and what helps when it is missing or fails.
pub(crate) struct Program {
    pub name: &'static str,
    /// The command that installs it.
    pub install: &'static str,
    /// What usually mends a failure.
    pub remedy: &'static str,
    pub limit: Duration,
}

impl Program {
    /// Runs the program in `folder` and gives what it printed to its standard output.
    pub fn run<A: AsRef<OsStr>>(&self, folder: &Path, arguments: &[A]) -> Result<Vec<u8>, ImageError> {
        let mut command = Command::new(self.name);
        // mke2fs and its kin live where not every user looks.
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        command.current_dir(folder).args(arguments).env("LC_ALL", "C").env("PATH", path);
        let shown = format!(
            "{} {}",
            self.name,
            arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ")
        );
        let failed =
            |cause: String| ImageError::ProgramFailed { command: shown.clone(), cause, remedy: self.remedy.to_owned() };
        let (mut out, mut err) = (scratch(&failed)?, scratch(&failed)?);
        command.stdin(Stdio::null());
        command.stdout(out.try_clone().map_err(|cause| failed(cause.to_string()))?);
        command.stderr(err.try_clone().map_err(|cause| failed(cause.to_string()))?);
        let mut child = command.spawn().map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => ImageError::MissingProgram {
                program: self.name.to_owned(),
                remedy: format!("install it with `{}`", self.install),
            },
            _ => failed(cause.to_string()),
        })?;
        let end = Instant::now() + self.limit;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|cause| failed(cause.to_string()))? {
                break status;
            }
            if Instant::now() >= end {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!("not done after {} s", self.limit.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if status.success() {
            return contents(&mut out).map_err(|cause| failed(cause.to_string()));
        }
        let printed = contents(&mut err).unwrap_or_default();
        let tail = String::from_utf8_lossy(&printed[printed.len().saturating_sub(TAIL_BYTES)..]).trim().to_owned();
        Err(failed(format!("{status}: {tail}")))
    }
}

fn scratch(failed: &impl Fn(String) -> ImageError) -> Result<std::fs::File, ImageError> {
    tempfile::tempfile().map_err(|cause| failed(cause.to_string()))
}

fn contents(file: &mut std::fs::File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &'static str, limit: Duration) -> Program {
        Program { name, install: "apt-get install it", remedy: "try the other way", limit }
    }

    #[test]
    fn the_error_says_what_to_do() {
        let here = Path::new("/");
        let long = Duration::from_secs(20);
        assert_eq!(program("echo", long).run(here, &["a"]).unwrap(), b"a\n");
        let missing = program("no-such-program", long).run(here, &["a"]).unwrap_err().to_string();
        assert_eq!(missing, "no-such-program is not installed; install it with `apt-get install it`");
        let failed = program("sh", long).run(here, &["-c", "echo why >&2; exit 3"]).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3: why; try the other way"), "{failed}");
        let late = program("sleep", Duration::from_millis(20)).run(here, &["20"]).unwrap_err().to_string();
        assert!(late.contains("not done after"), "{late}");
    }
}
