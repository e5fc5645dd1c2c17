//! `welkin image build`.

use anyhow::{Context, Result};

use crate::data_dir::DataDir;
use crate::settings::Settings;

/// Builds an image into the data folder; with `if_missing` only where there is none.
pub fn build(settings: &Settings, name: &str, if_missing: bool) -> Result<()> {
    let data = DataDir::create(&settings.data_dir)?;
    let folder = data.images().join(name);
    if if_missing && folder.join(image::MANIFEST_FILE).exists() {
        return Ok(());
    }
    std::fs::create_dir_all(data.images()).with_context(|| format!("cannot make {}", data.images().display()))?;
    eprintln!("Building {name} from Debian's packages; this takes some seconds.");
    let manifest = image::build_tiny(&folder, &data.image_cache())?;
    println!("{} {} is in {}", manifest.name, manifest.version, folder.display());
    Ok(())
}
