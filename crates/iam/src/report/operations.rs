//! `iam:GenerateCredentialReport` and `iam:GetCredentialReport`. A report is good for four hours; the first call makes it
//! and says that it has begun, as clients expect, and the next one that it is complete.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html>.

use api::iam::{
    GenerateCredentialReport, GenerateCredentialReportResponse, GetCredentialReport, GetCredentialReportResponse,
};
use bytes::Bytes;
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::{record, table};
use crate::{Iam, IamError};

/// How long a report is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(4);

impl Operation<Iam> for GenerateCredentialReport {
    type Error = IamError;

    fn needs((): &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GenerateCredentialReport")])
    }

    fn apply((): &(), view: &View, cx: &Cx) -> Result<Applied<GenerateCredentialReportResponse>, IamError> {
        let said = |state: &str, description: Option<&str>| GenerateCredentialReportResponse {
            state: Some(state.to_owned()),
            description: description.map(str::to_owned),
        };
        let last = record::generated(view, &cx.account)?;
        if last.is_some_and(|last| cx.now.duration_since(last) < GOOD_FOR) {
            return Ok(Applied::read(said("COMPLETE", None)));
        }
        let mut changes = Changes::new();
        record::put(view, &mut changes, &cx.account, cx.now, &table::of_account(view, cx)?)?;
        let text = "No report exists. Starting a new report generation task";
        Ok(Applied::with(said("STARTED", Some(text)), changes))
    }
}

impl Operation<Iam> for GetCredentialReport {
    type Error = IamError;

    fn needs((): &(), _view: &View, _scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetCredentialReport")])
    }

    fn apply((): &(), view: &View, cx: &Cx) -> Result<Applied<GetCredentialReportResponse>, IamError> {
        let missing = || IamError::refused("ReportNotPresent", 410, "No report exists. Please generate a new report.");
        let generated = record::generated(view, &cx.account)?.ok_or_else(missing)?;
        if cx.now.duration_since(generated) >= GOOD_FOR {
            let text = "The most recent credential report has expired. Please generate a new report.";
            return Err(IamError::refused("ReportExpired", 410, text));
        }
        Ok(Applied::read(GetCredentialReportResponse {
            content: Some(Bytes::from(record::table(view, &cx.account)?)),
            report_format: Some("text/csv".to_owned()),
            generated_time: Some(generated),
        }))
    }
}
