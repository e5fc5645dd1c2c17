//! The fields of an upload from a browser, and what they are to the operation that it becomes.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>.

use http::{HeaderMap, HeaderName, HeaderValue};
use wire::ServiceError;

/// Most bytes of all fields before the file. Source: the page of the file's head; S3 says 20 KB.
const MAX_BYTES: usize = 20 * 1024;
/// Most fields before the file.
const MAX_FIELDS: usize = 100;

/// Fields by name, of which the case counts for nothing.
#[derive(Debug)]
pub(super) struct Fields {
    all: Vec<(String, String)>,
    bytes: usize,
}

impl Fields {
    /// The fields of a form that was sent to a bucket: the bucket is one of them, whatever the form says.
    pub(super) fn new(bucket: &str) -> Self {
        Self { all: vec![("bucket".to_owned(), bucket.to_owned())], bytes: 0 }
    }

    /// Notes bytes of a field before they are kept.
    ///
    /// # Errors
    /// `MaxPostPreDataLengthExceeded`.
    pub(super) fn weigh(&mut self, bytes: usize) -> Result<(), ServiceError> {
        self.bytes += bytes;
        if self.bytes <= MAX_BYTES && self.all.len() <= MAX_FIELDS {
            return Ok(());
        }
        // The text is S3's, letter by letter.
        let text = "Your POST request fields preceeding the upload file was too large.";
        Err(ServiceError::bad_request("MaxPostPreDataLengthExceeded", text)
            .with_field("MaxPostPreDataLengthBytes", MAX_BYTES.to_string()))
    }

    /// Adds a field.
    ///
    /// # Errors
    /// `InvalidArgument` for one that is there already: which of the two would a policy speak of?
    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), ServiceError> {
        if name.eq_ignore_ascii_case("bucket") {
            return Ok(());
        }
        if self.get(name).is_some() {
            return Err(argument("POST requires at most one value of each field.", name, &value));
        }
        self.all.push((name.to_owned(), value));
        Ok(())
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a field, if it has any.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The names of all fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(name, _)| name.as_str())
    }

    /// Puts the file's name in the place of `${filename}` everywhere. Of a path only its end counts, as some browsers
    /// send one.
    pub(super) fn fill_in(&mut self, filename: &str) {
        let name = filename.rsplit(['/', '\\']).next().unwrap_or(filename);
        for (own, value) in &mut self.all {
            if !own.eq_ignore_ascii_case("policy") && value.contains("${filename}") {
                *value = value.replace("${filename}", name);
            }
        }
    }

    /// The fields that are headers of the upload they stand for.
    ///
    /// # Errors
    /// `InvalidArgument` for what cannot be a header.
    pub(super) fn headers(&self) -> Result<HeaderMap, ServiceError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.all {
            let Some(header) = header_of(&name.to_ascii_lowercase()) else { continue };
            let name_and_value = HeaderName::try_from(&header).ok().zip(HeaderValue::from_str(value).ok());
            let (header, value) =
                name_and_value.ok_or_else(|| argument("The value of a field cannot be a header.", name, value))?;
            headers.insert(header, value);
        }
        Ok(headers)
    }
}

/// The header that a field of this name, in lower case, stands for.
fn header_of(name: &str) -> Option<String> {
    const PLAIN: [&str; 7] = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-md5",
        "content-type",
        "expires",
    ];
    const CLAIM: [&str; 5] =
        ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-security-token"];
    match name {
        "acl" => Some("x-amz-acl".to_owned()),
        name if PLAIN.contains(&name) => Some(name.to_owned()),
        name if name.starts_with("x-amz-") && !CLAIM.contains(&name) => Some(name.to_owned()),
        _ => None,
    }
}

/// S3's refusal of an argument.
pub(super) fn argument(text: &str, name: &str, value: &str) -> ServiceError {
    ServiceError::bad_request("InvalidArgument", text)
        .with_field("ArgumentName", name)
        .with_field("ArgumentValue", value)
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn fields_become_headers() {
        let mut fields = Fields::new("b");
        for (name, value) in [
            ("Key", "a/${filename}"),
            ("ACL", "private"),
            ("Content-Type", "text/plain"),
            ("x-amz-meta-Name", "n"),
            ("X-Amz-Credential", "c"),
            ("success_action_status", "201"),
            ("bucket", "another"),
        ] {
            fields.add(name, value.to_owned()).unwrap();
        }
        assert!(fields.add("KEY", String::new()).is_err(), "twice");
        fields.fill_in("C:\\dir/photo.jpg");
        assert_eq!((fields.get("key"), fields.get("bucket")), (Some("a/photo.jpg"), Some("b")));
        let headers = fields.headers().unwrap();
        let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "x-amz-acl", "x-amz-meta-name"]);
        fields.add("x-amz-meta-bad", "a\nb".to_owned()).unwrap();
        assert!(fields.headers().is_err());
    }

    #[test]
    fn fields_have_bounds() {
        let mut fields = Fields::new("b");
        assert!(fields.weigh(20 * 1024).is_ok() && fields.weigh(1).is_err());
        let mut many = Fields::new("b");
        let added = (0..200).find(|number| {
            let is_full = many.weigh(1).is_err();
            many.add(&format!("x-amz-meta-{number}"), String::new()).unwrap();
            is_full
        });
        assert_eq!(added, Some(100));
    }
}
