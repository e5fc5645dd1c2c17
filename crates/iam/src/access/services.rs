//! The services that reports know, by their namespaces.
//! `services.txt` is written by `scripts/service-names`, which says where it comes from.

/// The data: a namespace and a name a line, sorted.
const LINES: &str = include_str!("services.txt");

/// Namespaces and names, in the order of namespaces.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    LINES.lines().filter_map(|line| line.split_once('\t'))
}

/// Whether there is a service of this namespace.
pub(super) fn is_known(namespace: &str) -> bool {
    all().any(|(known, _)| known == namespace)
}

#[cfg(test)]
mod tests {
    use super::{LINES, all, is_known};

    #[test]
    fn every_line_is_a_service() {
        assert_eq!(all().count(), LINES.lines().count());
        let namespaces: Vec<&str> = all().map(|(namespace, _)| namespace).collect();
        assert!(namespaces.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once");
        assert!(is_known("s3") && is_known("cloudwatch") && !is_known("monitoring"));
    }
}
