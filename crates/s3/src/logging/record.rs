//! What is stored of the logging of a bucket.

use api::s3::LoggingEnabled;
use serde::{Deserialize, Serialize};

use crate::config::{BucketConfig, Faithful};

/// Where what is asked of a bucket is written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Logging(pub Faithful<LoggingEnabled>);

impl BucketConfig for Logging {
    const KIND: &'static str = "logging";
}
