//! The storage classes that rules move objects to.

/// The classes in the order in which objects may move through them, downwards only.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>.
const DOWNWARDS: [&str; 7] =
    ["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// How far down a class is; none for one that no rule moves objects from or to.
pub(super) fn depth(class: &str) -> Option<usize> {
    let class = if class == "REDUCED_REDUNDANCY" { "STANDARD" } else { class };
    DOWNWARDS.iter().position(|known| *known == class)
}

/// Whether a rule may move objects to this class.
pub(super) fn is_target(class: &str) -> bool {
    class != "STANDARD" && DOWNWARDS.contains(&class)
}

/// Whether a class is one of infrequent access, which objects must have waited 30 days for.
pub(super) fn is_infrequent(class: &str) -> bool {
    matches!(class, "STANDARD_IA" | "ONEZONE_IA")
}

/// Whether a class is an archive, which takes small objects too where sizes go by class.
pub(super) fn is_archive(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

#[cfg(test)]
mod tests {
    use super::{depth, is_target};

    #[test]
    fn objects_move_downwards() {
        assert!(depth("STANDARD") < depth("STANDARD_IA") && depth("GLACIER_IR") < depth("GLACIER"));
        assert_eq!(depth("REDUCED_REDUNDANCY"), depth("STANDARD"));
        assert_eq!(depth("OUTPOSTS"), None);
        assert!(is_target("GLACIER") && !is_target("STANDARD") && !is_target("REDUCED_REDUNDANCY"));
    }
}
