//! `iam:GetServiceLastAccessedDetails`, `GetServiceLastAccessedDetailsWithEntities`: the report, by service, and for one
//! service by user and role.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>.

use api::iam::{
    EntityDetails, EntityInfo, GetServiceLastAccessedDetails, GetServiceLastAccessedDetailsRequest,
    GetServiceLastAccessedDetailsResponse, GetServiceLastAccessedDetailsWithEntities,
    GetServiceLastAccessedDetailsWithEntitiesRequest, GetServiceLastAccessedDetailsWithEntitiesResponse,
    ServiceLastAccessed, TrackedActionLastAccessed,
};
use ids::AccountId;
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{StoreError, View};

use super::generate::job;
use super::record::{AccessJobRecord, LastUse, ServiceUseRecord};
use super::services;
use super::subject::Subject;
use crate::paging::Page;
use crate::policies::owner::{Owner, OwnerKind};
use crate::{Iam, IamError};

/// How far reports look back: the tracking period.
const PERIOD: SignedDuration = SignedDuration::from_hours(400 * 24);

impl Operation<Iam> for GetServiceLastAccessedDetails {
    type Error = IamError;

    fn needs(
        _input: &GetServiceLastAccessedDetailsRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetServiceLastAccessedDetails")])
    }

    fn apply(
        input: &GetServiceLastAccessedDetailsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetServiceLastAccessedDetailsResponse>, IamError> {
        let job = job(view, &cx.account, &input.job_id, cx)?;
        let (asked, marker) = ([input.job_id.as_str()], input.marker.as_deref());
        let page = Page::read(cx, "GetServiceLastAccessedDetails", &asked, input.max_items, marker)?;
        let subject = Subject::of(view, &cx.account, &job.arn)?;
        let policies = subject.policies(view)?;
        let permitted =
            services::all().filter(|(namespace, _)| policies.iter().any(|policy| policy.allows_service(namespace)));
        let listed = page.of_list(permitted.collect(), |(namespace, _)| (*namespace).to_owned());
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let entities = subject.entities(view, &cx.account)?;
        let mut found = Vec::with_capacity(listed.items.len());
        for (namespace, name) in listed.items {
            found.push(service(&job, (namespace, name), &entities, view, cx)?);
        }
        Ok(Applied::read(GetServiceLastAccessedDetailsResponse {
            job_status: "COMPLETED".to_owned(),
            job_type: Some(if job.has_actions { "ACTION_LEVEL" } else { "SERVICE_LEVEL" }.to_owned()),
            job_creation_date: job.created,
            job_completion_date: job.created,
            services_last_accessed: found,
            is_truncated,
            marker,
            error: None,
        }))
    }
}

impl Operation<Iam> for GetServiceLastAccessedDetailsWithEntities {
    type Error = IamError;

    fn needs(
        _input: &GetServiceLastAccessedDetailsWithEntitiesRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        Ok(vec![Need::any("iam:GetServiceLastAccessedDetailsWithEntities")])
    }

    fn apply(
        input: &GetServiceLastAccessedDetailsWithEntitiesRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GetServiceLastAccessedDetailsWithEntitiesResponse>, IamError> {
        let job = job(view, &cx.account, &input.job_id, cx)?;
        let service = input.service_namespace.as_str();
        if !services::is_known(service) {
            return Err(IamError::InvalidInput(format!("Invalid service namespace: {service}")));
        }
        let asked = [input.job_id.as_str(), service];
        let list = "GetServiceLastAccessedDetailsWithEntities";
        let page = Page::read(cx, list, &asked, input.max_items, input.marker.as_deref())?;
        let entities = Subject::of(view, &cx.account, &job.arn)?.entities(view, &cx.account)?;
        let listed = page.of_list(entities, |owner: &Owner| owner.id().to_owned());
        let (is_truncated, marker) = (listed.is_truncated(), listed.marker);
        let mut found = Vec::with_capacity(listed.items.len());
        for owner in listed.items {
            let used = use_of(view, &cx.account, &owner, service, cx)?;
            found
                .push(EntityDetails { entity_info: info(&owner), last_authenticated: used.map(|used| used.last.time) });
        }
        Ok(Applied::read(GetServiceLastAccessedDetailsWithEntitiesResponse {
            job_status: "COMPLETED".to_owned(),
            job_creation_date: job.created,
            job_completion_date: job.created,
            entity_details_list: found,
            is_truncated,
            marker,
            error: None,
        }))
    }
}

/// What is known of one service's use by these users and roles.
fn service(
    job: &AccessJobRecord,
    (namespace, name): (&str, &str),
    entities: &[Owner],
    view: &View,
    cx: &Cx,
) -> Result<ServiceLastAccessed, StoreError> {
    let (mut last, mut total): (Option<(LastUse, String)>, i32) = (None, 0);
    let mut actions: Vec<(String, LastUse, String)> = Vec::new();
    for owner in entities {
        let Some(used) = use_of(view, &job.account, owner, namespace, cx)? else { continue };
        total += 1;
        if last.as_ref().is_none_or(|(last, _)| last.time < used.last.time) {
            last = Some((used.last, owner.arn()));
        }
        for (action, use_of_action) in used.actions {
            match actions.iter_mut().find(|(known, _, _)| *known == action) {
                Some(known) if known.1.time < use_of_action.time => *known = (action, use_of_action, owner.arn()),
                Some(_) => {}
                None => actions.push((action, use_of_action, owner.arn())),
            }
        }
    }
    actions.sort_by(|one, other| one.0.cmp(&other.0));
    let tracked = actions.into_iter().map(|(action, last, entity)| TrackedActionLastAccessed {
        action_name: Some(action),
        last_accessed_entity: Some(entity),
        last_accessed_time: Some(last.time),
        last_accessed_region: Some(last.region),
    });
    let tracked: Vec<_> = tracked.collect();
    Ok(ServiceLastAccessed {
        service_name: name.to_owned(),
        service_namespace: namespace.to_owned(),
        last_authenticated: last.as_ref().map(|(last, _)| last.time),
        last_authenticated_entity: last.as_ref().map(|(_, entity)| entity.clone()),
        last_authenticated_region: last.map(|(last, _)| last.region),
        total_authenticated_entities: Some(total),
        tracked_actions_last_accessed: (job.has_actions && !tracked.is_empty()).then_some(tracked),
    })
}

fn use_of(
    view: &View,
    account: &AccountId,
    owner: &Owner,
    service: &str,
    cx: &Cx,
) -> Result<Option<ServiceUseRecord>, StoreError> {
    let key = (account.clone(), owner.id().to_owned(), service.to_owned());
    let found = view.get::<ServiceUseRecord>(&key)?;
    Ok(found.filter(|used| cx.now.duration_since(used.last.time) <= PERIOD))
}

fn info(owner: &Owner) -> EntityInfo {
    EntityInfo {
        arn: owner.arn(),
        name: owner.name().to_owned(),
        r#type: word(owner.kind()).to_owned(),
        id: owner.id().to_owned(),
        path: Some(owner.path().to_owned()),
    }
}

/// A kind of owner as reports write it.
pub(super) fn word(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::User => "USER",
        OwnerKind::Group => "GROUP",
        OwnerKind::Role => "ROLE",
    }
}
