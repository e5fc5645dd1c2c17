//! The same guest without Welkin: an instance's QEMU command line, run again by hand with a fresh disk, in the host's own network
//! namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What the image's `/init` says first.
pub const FIRST_LINE: &str = "welkin: init";
/// Time between two looks for a process.
pub const PROCESS_STEP: Duration = Duration::from_millis(1);
/// Time between two looks at a console.
pub const CONSOLE_STEP: Duration = Duration::from_millis(50);
/// Longest wait for a guest.
pub const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// A command that is ready to be run once, and removes what it left.
pub struct ByHand {
    words: Vec<String>,
    scratch: PathBuf,
    process: Option<Child>,
}

/// When it came to what, from the start of the process.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// QEMU had set itself up so far that it wrote its process id.
    pub process: Duration,
    /// The first line of the guest's own `/init` was on the console.
    pub init: Duration,
}

impl ByHand {
    /// Prepares what the running machine in `folder` was started with, in a `scratch` folder. Its disk gets a layer
    /// of its own above the same image.
    ///
    /// # Errors
    /// If the disk cannot be made.
    pub fn prepare(words: &[String], folder: &Path, scratch: PathBuf) -> Result<Self> {
        fs::create_dir_all(&scratch)?;
        let words = rewrite(words, folder, &scratch);
        let prepared = Self { words, scratch, process: None };
        let disk = folder.join("root.qcow2");
        if disk.exists() {
            layer(&disk, &prepared.scratch.join("root.qcow2"))?;
        }
        Ok(prepared)
    }

    /// Runs it until the guest has spoken, not looking for its words before `quiet` is over, and ends it.
    ///
    /// # Errors
    /// If QEMU ends, or the guest does not speak in time.
    pub async fn run(mut self, quiet: Duration) -> Result<Times> {
        let stderr = fs::File::create(self.scratch.join("qemu.log"))?;
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let begun = Instant::now();
        self.process = Some(command.spawn().with_context(|| self.words[0].clone())?);
        let process = self.wait(begun, "pid", "\n", PROCESS_STEP).await?;
        tokio::time::sleep(quiet.saturating_sub(begun.elapsed())).await;
        let init = self.wait(begun, "console", FIRST_LINE, CONSOLE_STEP).await?;
        Ok(Times { process, init })
    }

    async fn wait(&mut self, begun: Instant, file: &str, text: &str, step: Duration) -> Result<Duration> {
        let path = self.scratch.join(file);
        while begun.elapsed() < BOOT_LIMIT {
            let content = fs::read(&path).unwrap_or_default();
            if String::from_utf8_lossy(&content).contains(text) {
                return Ok(begun.elapsed());
            }
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().transpose()) {
                let log = fs::read_to_string(self.scratch.join("qemu.log")).unwrap_or_default();
                bail!("QEMU by hand ended, {}: {log}\n{}", status?, self.words.join(" "));
            }
            tokio::time::sleep(step).await;
        }
        bail!("QEMU by hand: nothing in {BOOT_LIMIT:?}; its command was {}", self.words.join(" "))
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// The command line with other files, the console in a file, no control socket, and QEMU's own network instead of a tap, which
/// belongs to a VPC.
fn rewrite(words: &[String], folder: &Path, scratch: &Path) -> Vec<String> {
    let (folder, scratch) = (folder.display().to_string(), scratch.display().to_string());
    let other = |word: &String| {
        if word.starts_with("socket,id=qmp,") {
            "null,id=qmp".to_owned()
        } else if word.starts_with("ringbuf,id=console,") {
            format!("file,id=console,path={scratch}/console")
        } else if let Some(rest) = word.strip_prefix("tap,id=") {
            format!("user,id={}", rest.split(',').next().unwrap_or_default())
        } else {
            word.replace(&folder, &scratch)
        }
    };
    words.iter().map(other).collect()
}

fn layer(of: &Path, to: &Path) -> Result<()> {
    let info = qemu_img(&["info", "--force-share", "--output=json", &of.display().to_string()])?;
    let info: serde_json::Value = serde_json::from_str(&info).context("qemu-img info")?;
    let text = |name: &str| info.get(name).and_then(serde_json::Value::as_str);
    let backing = text("full-backing-filename").or(text("backing-filename")).context("the disk has no image below")?;
    let format = text("backing-filename-format").context("the image's format is unknown")?;
    let size = info.get("virtual-size").and_then(serde_json::Value::as_u64).context("the disk's size is unknown")?;
    qemu_img(&[
        "create",
        "-q",
        "-f",
        "qcow2",
        "-b",
        backing,
        "-F",
        format,
        &to.display().to_string(),
        &size.to_string(),
    ])?;
    Ok(())
}

fn qemu_img(arguments: &[&str]) -> Result<String> {
    let output = Command::new("qemu-img").args(arguments).output().context("qemu-img")?;
    if !output.status.success() {
        bail!("qemu-img {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::rewrite;

    #[test]
    fn only_what_ties_it_to_the_region_changes() {
        let words = [
            "qemu-system-x86_64",
            "-pidfile",
            "/d/machines/i-1/pid",
            "-machine",
            "q35",
            "-chardev",
            "socket,id=qmp,fd=0,server=on,wait=off",
            "-chardev",
            "ringbuf,id=console,size=262144",
            "-blockdev",
            r#"{"file":{"filename":"/d/machines/i-1/root.qcow2"}}"#,
            "-netdev",
            "tap,id=nic0,ifname=wk0,script=no,downscript=no",
            "-device",
            "virtio-net-pci,netdev=nic0,mac=02:00:00:00:00:01",
            "-kernel",
            "/d/images/tiny/vmlinuz",
        ]
        .map(str::to_owned);
        let mut expected = words.clone();
        expected[2] = "/s/pid".into();
        expected[6] = "null,id=qmp".into();
        expected[8] = "file,id=console,path=/s/console".into();
        expected[10] = r#"{"file":{"filename":"/s/root.qcow2"}}"#.into();
        expected[12] = "user,id=nic0".into();
        assert_eq!(rewrite(&words, Path::new("/d/machines/i-1"), Path::new("/s")), expected);
    }
}
