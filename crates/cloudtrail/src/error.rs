//! What CloudTrail refuses. Codes and texts are those of the API reference of `LookupEvents`:
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>.

use wire::ServiceError;

/// An error of CloudTrail.
#[derive(Debug, thiserror::Error)]
pub enum CloudTrailError {
    /// A lookup attribute that is none, or more than one.
    #[error("Occurs when a lookup attribute is specified that is not valid.")]
    LookupAttributes,
    /// A number of results outside 1 to 50.
    #[error("This exception is thrown if the limit specified is not valid.")]
    MaxResults,
    /// A token that was not given, or for another request.
    #[error(
        "A token that is not valid, or a token that was previously used in a request with different parameters. This exception is thrown if the token is not valid."
    )]
    NextToken,
    /// A start after the end.
    #[error(
        "Occurs if the timestamp values are not valid. Either the start time occurs after the end time, or the time range is outside the range of possible values."
    )]
    TimeRange,
    /// A category that is none.
    #[error("Occurs if an event category that is not valid is specified as a value of EventCategory.")]
    EventCategory,
    /// The records cannot be read.
    #[error("the audit trail: {0}")]
    Trail(String),
}

impl From<CloudTrailError> for ServiceError {
    fn from(error: CloudTrailError) -> Self {
        let code = match error {
            CloudTrailError::LookupAttributes => "InvalidLookupAttributesException",
            CloudTrailError::MaxResults => "InvalidMaxResultsException",
            CloudTrailError::NextToken => "InvalidNextTokenException",
            CloudTrailError::TimeRange => "InvalidTimeRangeException",
            CloudTrailError::EventCategory => "InvalidEventCategoryException",
            CloudTrailError::Trail(cause) => return Self::internal(cause),
        };
        Self::bad_request(code, error.to_string())
    }
}
