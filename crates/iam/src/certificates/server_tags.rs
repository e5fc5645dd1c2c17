//! `iam:TagServerCertificate`, `iam:UntagServerCertificate` and `iam:ListServerCertificateTags`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagServerCertificate.html>.

use api::iam::{
    ListServerCertificateTags, ListServerCertificateTagsRequest, ListServerCertificateTagsResponse,
    TagServerCertificate, TagServerCertificateRequest, UntagServerCertificate, UntagServerCertificateRequest,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::server::{find, need};
use crate::paging::Page;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError};

impl Operation<Iam> for TagServerCertificate {
    type Error = IamError;

    fn needs(input: &TagServerCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let need = need("iam:TagServerCertificate", &input.server_certificate_name, view, scope)?;
        Ok(vec![need.tagging(tags::asked(Some(&input.tags)))])
    }

    fn apply(input: &TagServerCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut record = find(view, cx, &input.server_certificate_name)?;
        tags::add(&mut record.tags, &input.tags, TagCase::Matters)?;
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for UntagServerCertificate {
    type Error = IamError;

    fn needs(input: &UntagServerCertificateRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let mut need = need("iam:UntagServerCertificate", &input.server_certificate_name, view, scope)?;
        need.context.set_all("aws:TagKeys", input.tag_keys.clone());
        Ok(vec![need])
    }

    fn apply(input: &UntagServerCertificateRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let mut record = find(view, cx, &input.server_certificate_name)?;
        tags::remove(&mut record.tags, &input.tag_keys, TagCase::Matters);
        let mut changes = Changes::new();
        changes.put(&record)?;
        Ok(Applied::with((), changes))
    }
}

impl Operation<Iam> for ListServerCertificateTags {
    type Error = IamError;

    fn needs(input: &ListServerCertificateTagsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        Ok(vec![need("iam:ListServerCertificateTags", &input.server_certificate_name, view, scope)?])
    }

    fn apply(
        input: &ListServerCertificateTagsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListServerCertificateTagsResponse>, IamError> {
        let record = find(view, cx, &input.server_certificate_name)?;
        let asked = [record.id.as_str()];
        let page = Page::read(cx, "ListServerCertificateTags", &asked, input.max_items, input.marker.as_deref())?;
        let tags = page.of_list(record.tags.clone(), |(key, _)| key.clone()).map(tags::shown);
        Ok(Applied::read(ListServerCertificateTagsResponse {
            is_truncated: tags.is_truncated(),
            tags: tags.items,
            marker: tags.marker,
        }))
    }
}
