//! The images that a region brings along, registered when it starts.

use ids::ImageId;
use jiff::Timestamp;
use store::{Changes, StoreError, View};

use super::record::{ImageRecord, ImageSource};

/// An image that a region brings along, as its manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltinImage {
    /// Its name, such as `welkin-tiny`. The id is made from it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// `x86_64`.
    pub architecture: String,
    /// Its bytes.
    pub source: ImageSource,
}

impl BuiltinImage {
    /// Its id: a digest of the name, and so the same in every region.
    pub fn id(&self) -> ImageId {
        let text = format!("welkin image {}", self.name);
        ImageId::from_random(crate::digest::fnv1a(text.as_bytes()).to_be_bytes())
    }
}

/// The changes that make the image launchable by every account. None if it is registered so already; otherwise it
/// takes the facts over and keeps the time of its first registration.
///
/// # Errors
/// The store's.
pub fn register_builtin(view: &View, image: &BuiltinImage, now: Timestamp) -> Result<Changes, StoreError> {
    let id = image.id();
    let known = view.get::<ImageRecord>(&id)?;
    let record = ImageRecord {
        id,
        owner: None,
        name: image.name.clone(),
        description: image.description.clone(),
        architecture: image.architecture.clone(),
        created: known.as_ref().map_or(now, |known| known.created),
        is_public: true,
        source: image.source.clone(),
    };
    let mut changes = Changes::new();
    if known.as_ref() != Some(&record) {
        changes.put(&record)?;
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::{Memory, Store};

    use super::{BuiltinImage, register_builtin};
    use crate::images::record::{ImageRecord, ImageSource};

    fn image(root: &str) -> BuiltinImage {
        let (kernel, initrd, command_line) = (None, None, String::new());
        let source = ImageSource { kernel, initrd, command_line, root: Some(root.into()), root_bytes: 1 };
        let (name, description) = ("welkin-tiny".to_owned(), String::new());
        BuiltinImage { name, description, architecture: "x86_64".to_owned(), source }
    }

    #[tokio::test]
    async fn registering_again_changes_only_what_differs() {
        let store = Store::new(Memory::new());
        for (when, root, is_change) in [(1, "a", true), (2, "a", false), (3, "b", true), (4, "b", false)] {
            let view = store.view().unwrap();
            let changes = register_builtin(&view, &image(root), Timestamp::from_second(when).unwrap()).unwrap();
            assert_eq!(!changes.is_empty(), is_change, "{root}");
            store.commit(Some(&view), changes).await.unwrap();
        }
        let stored = store.view().unwrap().get::<ImageRecord>(&image("").id()).unwrap().unwrap();
        assert_eq!(stored.source.root.unwrap().to_str(), Some("b"));
        assert_eq!(stored.created.as_second(), 1);
    }

    #[test]
    fn the_id_of_the_tiny_image_never_changes() {
        assert_eq!(image("").id().as_str(), "ami-08d10215daa14175d");
    }
}
