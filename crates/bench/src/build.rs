//! How long a clean release build takes, with everything already downloaded.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Setting;
use crate::table::{Aim, Row, Value};

const AIM: Duration = Duration::from_secs(7 * 60);

/// Builds the sources that this program is started among.
pub fn build(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let cargo = |arguments: &[&str]| Command::new("cargo").args(arguments).status();
    if !cargo(&["fetch", "--quiet", "--locked"])?.success() {
        bail!("cargo fetch failed: start this at the root of the sources");
    }
    let folder = setting.scratch();
    let begun = Instant::now();
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked", "--package", "welkin", "--target-dir"])
        .arg(&folder)
        .status();
    let elapsed = begun.elapsed();
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let status = status?;
    if !status.success() {
        bail!("the build failed: {status}");
    }
    let cores = std::thread::available_parallelism()?;
    rows.push(Row {
        figure: format!("clean release build, {cores} cores"),
        ours: Value::Time(elapsed),
        peer: None,
        aim: Aim::AtMost(Value::Time(AIM)),
    });
    Ok(())
}
