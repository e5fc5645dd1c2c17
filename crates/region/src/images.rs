//! The images that were built into the data folder: each is offered as soon as it is there, to every account.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ec2::{BuiltinImage, ImageSource};
use image::Manifest;
use service::{Effects, Pass, ReconcileError, Reconciler};
use store::Store;
use tokio::sync::watch;

/// Registers the images of a folder.
pub(crate) struct ImageReconciler {
    store: Store,
    effects: Arc<dyn Effects>,
    folder: PathBuf,
}

impl ImageReconciler {
    pub(crate) fn new(store: Store, effects: Arc<dyn Effects>, folder: PathBuf) -> Self {
        Self { store, effects, folder }
    }
}

#[async_trait]
impl Reconciler for ImageReconciler {
    fn name(&self) -> &'static str {
        "images"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn signals(&self) -> Vec<watch::Receiver<u64>> {
        Vec::new()
    }

    async fn activate(&self) -> Result<Pass, ReconcileError> {
        let folder = self.folder.clone();
        let images = tokio::task::spawn_blocking(move || read(&folder)).await.map_err(ReconcileError::new)?;
        let mut pass = Pass { examined: images.len(), ..Pass::default() };
        for image in images {
            let image = image?;
            pass.changed += usize::from(register(&self.store, &*self.effects, &image).await?);
        }
        Ok(pass)
    }
}

/// Offers one image; false if it was offered already, just so.
pub(crate) async fn register(
    store: &Store,
    effects: &dyn Effects,
    image: &BuiltinImage,
) -> Result<bool, ReconcileError> {
    let view = store.view().map_err(ReconcileError::new)?;
    let changes = ec2::register_builtin(&view, image, effects.now()).map_err(ReconcileError::new)?;
    let has_changes = !changes.is_empty();
    store.commit(Some(&view), changes).await.map_err(ReconcileError::new)?;
    Ok(has_changes)
}

fn read(folder: &Path) -> Vec<Result<BuiltinImage, ReconcileError>> {
    // Before the first build there is no folder, and nothing to offer.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| {
            let folder = entry.path();
            Manifest::load(&folder).map(|manifest| builtin(&folder, manifest)).map_err(ReconcileError::new)
        })
        .collect()
}

fn builtin(folder: &Path, manifest: Manifest) -> BuiltinImage {
    BuiltinImage {
        source: ImageSource {
            kernel: Some(folder.join(&manifest.kernel.file)),
            initrd: Some(folder.join(&manifest.initrd.file)),
            command_line: manifest.command_line,
            root: Some(folder.join(&manifest.root.file)),
            root_bytes: manifest.root_bytes,
        },
        name: manifest.name,
        description: manifest.description,
        architecture: manifest.architecture,
    }
}

/// What a simulated region offers: the tiny image by name, with nothing in it, as nothing boots.
pub(crate) fn simulated() -> BuiltinImage {
    BuiltinImage {
        name: "welkin-tiny".to_owned(),
        description: "A simulated image: its machines do not boot".to_owned(),
        architecture: "x86_64".to_owned(),
        source: ImageSource { kernel: None, initrd: None, command_line: String::new(), root: None, root_bytes: 0 },
    }
}
