//! `welkin store new-object-key`: a new key that objects' keys are sealed under.

use anyhow::Result;

use crate::data_dir::DataDir;
use crate::settings::Settings;

/// Makes the key, and says what to do with it.
///
/// # Errors
/// There is no region in the data folder, or its keys cannot be written.
pub fn run(settings: &Settings) -> Result<()> {
    let data = DataDir::open(&settings.data_dir)?;
    let name = data.add_object_key()?;
    println!(
        "{} has a new key, {name}. It seals from the next start on; a region that runs takes it by",
        data.object_keys_file().display()
    );
    println!("`welkin restart`. The keys before it are kept for what they have sealed. Make a backup before that:");
    println!("objects that are sealed with a key that is lost are lost.");
    Ok(())
}
