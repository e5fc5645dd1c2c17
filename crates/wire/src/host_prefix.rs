//! What SDKs put before a host name for some operations: `{AccountId}.` before S3 Control's, `streaming-` before that of
//! Logs. The member in the prefix also travels where its own binding says, so nothing is decoded from here.

/// The labels of `host` by `template`, and what is left of the host; none if it does not begin so.
///
/// `host_labels("{AccountId}.", "123456789012.s3-control.test")` gives `[("AccountId", "123456789012")]` and
/// `s3-control.test`. A label never holds a dot.
pub fn host_labels<'a>(template: &'static str, host: &'a str) -> Option<(Vec<(&'static str, &'a str)>, &'a str)> {
    let (mut labels, mut rest, mut left) = (Vec::new(), host, template);
    while let Some((literal, tail)) = left.split_once('{') {
        let (name, tail) = tail.split_once('}')?;
        rest = rest.strip_prefix(literal)?;
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '-')?;
        let (value, after) = rest.split_at_checked(end).filter(|(value, _)| !value.is_empty())?;
        labels.push((name, value));
        (rest, left) = (after, tail);
    }
    Some((labels, rest.strip_prefix(left)?))
}

#[cfg(test)]
mod tests {
    use super::host_labels;

    #[test]
    fn labels_are_found_before_the_host() {
        let account = Some((vec![("AccountId", "123456789012")], "s3-control.test:4566"));
        assert_eq!(host_labels("{AccountId}.", "123456789012.s3-control.test:4566"), account);
        assert_eq!(host_labels("{AccountId}.", ".s3-control.test"), None);
        assert_eq!(host_labels("{AccountId}.", "localhost"), None);
        assert_eq!(host_labels("streaming-", "streaming-logs.test"), Some((vec![], "logs.test")));
        assert_eq!(host_labels("streaming-", "logs.test"), None);
        assert_eq!(host_labels("a-{X}.b-{Y}.", "a-1.b-2.c"), Some((vec![("X", "1"), ("Y", "2")], "c")));
        assert_eq!(host_labels("", "c"), Some((vec![], "c")));
    }
}
