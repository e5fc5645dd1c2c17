//! Where the models come from: the botocore package at the version that `crates/api/BOTOCORE_VERSION` pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The folder of botocore's models, fetched into `.cache/` if it is not there yet.
pub fn models(root: &Path) -> anyhow::Result<PathBuf> {
    let version = fs::read_to_string(root.join("crates/api/BOTOCORE_VERSION"))?;
    let version = version.trim();
    let package = root.join(".cache").join(format!("botocore-{version}"));
    let data = package.join("botocore/data");
    if !data.is_dir() {
        let status = Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--root-user-action=ignore",
                "--no-deps",
                "--no-compile",
                "--target",
            ])
            .arg(&package)
            .arg(format!("botocore=={version}"))
            .status()
            .context("python3 -m pip")?;
        ensure!(status.success(), "pip could not fetch botocore {version}");
    }
    Ok(data)
}

/// The text of `service`'s newest model below `models`.
pub fn service_model(models: &Path, service: &str) -> anyhow::Result<Vec<u8>> {
    let versions = super::sorted_entries(&models.join(service))?;
    let newest = versions.iter().rfind(|path| path.is_dir()).context("a model has a version")?;
    let plain = newest.join("service-2.json");
    if plain.is_file() {
        return Ok(fs::read(plain)?);
    }
    let packed = newest.join("service-2.json.gz");
    let output = Command::new("gzip").arg("-dc").arg(&packed).output().context("gzip")?;
    ensure!(output.status.success(), "gzip could not unpack {}", packed.display());
    Ok(output.stdout)
}
