//! `cloudtrail:LookupEvents`: management events of the caller's own account and the last 90 days, newest first.
//! Deliberately absent: insights, of which there are none.
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>.

use api::cloudtrail::{Event, LookupEvents, LookupEventsRequest, LookupEventsResponse, Resource};
use async_trait::async_trait;
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Scope, Streaming};
use store::View;

use crate::trail::{AttributeKey, Query, Record};
use crate::{CloudTrail, CloudTrailError, token};

/// How far back events are found.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The most of a page, and what is given when nothing is asked for.
const MAX_RESULTS: i32 = 50;
/// Longest value of an attribute that is looked at.
const MAX_VALUE: usize = 2000;

/// What is looked up once the caller may; none where there is nothing to look for.
pub struct Found {
    query: Option<Query>,
}

#[async_trait]
impl Streaming<CloudTrail> for LookupEvents {
    type Error = CloudTrailError;
    type Staged = ();
    type Found = Found;

    fn needs(_input: &LookupEventsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Need::any("cloudtrail:LookupEvents")])
    }

    fn check(_input: &LookupEventsRequest, _view: &View, _cx: &Cx) -> Result<(), CloudTrailError> {
        Ok(())
    }

    async fn stage(_service: &CloudTrail, _input: &mut LookupEventsRequest, _cx: &Cx) -> Result<(), CloudTrailError> {
        Ok(())
    }

    fn apply(
        input: &LookupEventsRequest,
        _staged: &(),
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<Found>, CloudTrailError> {
        let query = query(input, cx)?;
        let is_insight = match input.event_category.as_deref() {
            None => false,
            Some("insight") => true,
            Some(_) => return Err(CloudTrailError::EventCategory),
        };
        Ok(Applied::read(Found { query: (!is_insight).then_some(query) }))
    }

    async fn abandon(_service: &CloudTrail, _staged: &()) {}

    async fn finish(
        service: &CloudTrail,
        _input: &LookupEventsRequest,
        found: Found,
    ) -> Result<LookupEventsResponse, CloudTrailError> {
        let Some(query) = found.query else {
            return Ok(LookupEventsResponse { events: Some(Vec::new()), next_token: None });
        };
        let page = service.trail.lookup(query.clone()).await.map_err(CloudTrailError::Trail)?;
        Ok(LookupEventsResponse {
            events: Some(page.records.into_iter().map(shown).collect()),
            next_token: page.next.map(|next| token::seal(&query, &next)),
        })
    }
}

fn query(input: &LookupEventsRequest, cx: &Cx) -> Result<Query, CloudTrailError> {
    let limit = input.max_results.unwrap_or(MAX_RESULTS);
    if !(1..=MAX_RESULTS).contains(&limit) {
        return Err(CloudTrailError::MaxResults);
    }
    let attribute = match input.lookup_attributes.as_deref().unwrap_or_default() {
        [] => None,
        [one] => {
            let key = AttributeKey::from_name(&one.attribute_key).ok_or(CloudTrailError::LookupAttributes)?;
            let value = one.attribute_value.clone();
            let is_switch = key != AttributeKey::ReadOnly || value == "true" || value == "false";
            if !is_switch || value.is_empty() || value.len() > MAX_VALUE {
                return Err(CloudTrailError::LookupAttributes);
            }
            Some((key, value))
        }
        // "Currently the list can contain only one item."
        _ => return Err(CloudTrailError::LookupAttributes),
    };
    if input.start_time.zip(input.end_time).is_some_and(|(start, end)| start > end) {
        return Err(CloudTrailError::TimeRange);
    }
    let oldest = cx.now.checked_sub(MAX_AGE).map_err(|_| CloudTrailError::TimeRange)?;
    let mut query = Query {
        account: cx.account.clone(),
        attribute,
        since: input.start_time.map_or(oldest, |start| start.max(oldest)),
        until: input.end_time,
        limit: usize::try_from(limit).unwrap_or(1),
        from: None,
    };
    if let Some(token) = input.next_token.as_deref() {
        query.from = Some(token::open(&query, token).ok_or(CloudTrailError::NextToken)?);
    }
    Ok(query)
}

fn shown(record: Record) -> Event {
    let resource = |(kind, name): (String, String)| Resource { resource_type: Some(kind), resource_name: Some(name) };
    Event {
        event_id: Some(record.event_id),
        event_name: Some(record.event_name),
        read_only: Some(record.is_read_only.to_string()),
        access_key_id: record.access_key_id,
        event_time: Some(record.event_time),
        event_source: Some(record.event_source),
        username: Some(record.username).filter(|name| !name.is_empty()),
        resources: Some(record.resources.into_iter().map(resource).collect()),
        cloud_trail_event: Some(record.json),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use api::cloudtrail::{CloudtrailApi, LookupAttribute, LookupEventsRequest};
    use api::{Call, Caller, Principal};
    use async_trait::async_trait;
    use iam::PolicyAuthorizer;
    use jiff::Timestamp;
    use service::{RegionFacts, Runner, ZoneFacts};
    use store::{Memory, Store};
    use testkit::FixedEffects;

    use crate::CloudTrail;
    use crate::trail::{AttributeKey, Page, Query, Record, Trail};

    #[derive(Default)]
    struct Script {
        asked: Mutex<Vec<Query>>,
    }

    #[async_trait]
    impl Trail for Script {
        async fn lookup(&self, query: Query) -> Result<Page, String> {
            self.asked.lock().unwrap().push(query);
            let record = Record {
                event_id: "e".into(),
                event_name: "CreateVpc".into(),
                event_source: "ec2.amazonaws.com".into(),
                event_time: Timestamp::UNIX_EPOCH,
                is_read_only: false,
                access_key_id: Some("AKIA".into()),
                username: "root".into(),
                resources: vec![("AWS::EC2::VPC".into(), "vpc-1".into())],
                json: "{}".into(),
            };
            Ok(Page { records: vec![record], next: Some("7.8".into()) })
        }
    }

    fn service() -> (CloudTrail, Arc<Script>) {
        let region = RegionFacts {
            name: "eu-lab-1".into(),
            zones: vec![ZoneFacts { name: "eu-lab-1a".into(), id: "eul1-az1".into() }],
            endpoint: "127.0.0.1:1".into(),
            public_pool: ([198, 18, 0, 0].into(), 24),
        };
        let store = Store::new(Memory::new());
        let effects = Arc::new(FixedEffects::default());
        let script = Arc::new(Script::default());
        let authorizer = Arc::new(PolicyAuthorizer::new(&store, effects.clone()));
        let runner = Runner::new(store, Arc::new(region), effects, authorizer);
        (CloudTrail::new(runner, Arc::clone(&script) as _), script)
    }

    fn call(principal: Principal) -> Call {
        let root = Caller::root("111111111111".parse().unwrap(), "AKIA");
        Call {
            caller: Caller { principal, ..root },
            request_id: "r".into(),
            source_ip: None,
            is_secure: true,
            user_agent: String::new(),
            manner: Arc::default(),
            region: "eu-lab-1".into(),
            verdicts: api::Verdicts::default(),
        }
    }

    async fn check(input: LookupEventsRequest) -> Result<(Query, Option<String>), String> {
        let (service, script) = service();
        let answer =
            service.lookup_events(call(Principal::Root), input).await.map_err(|error| error.code.into_owned())?;
        let query = script.asked.lock().unwrap().pop().unwrap();
        Ok((query, answer.next_token))
    }

    fn by(key: &str, value: &str) -> LookupAttribute {
        LookupAttribute { attribute_key: key.into(), attribute_value: value.into() }
    }

    #[tokio::test]
    async fn lookups_are_checked_and_bounded() {
        let (query, token) = check(LookupEventsRequest::default()).await.unwrap();
        assert_eq!((query.account.as_str(), query.limit, query.attribute.clone()), ("111111111111", 50, None));
        assert_eq!(query.since.to_string(), "2026-08-23T08:00:00Z", "90 days back");
        let attribute = Some(vec![by("EventName", "CreateVpc")]);
        let named = LookupEventsRequest { lookup_attributes: attribute.clone(), ..Default::default() };
        let (query, _) = check(named.clone()).await.unwrap();
        assert_eq!(query.attribute, Some((AttributeKey::EventName, "CreateVpc".into())));
        let go_on = LookupEventsRequest { next_token: token.clone(), max_results: Some(1), ..Default::default() };
        assert_eq!(check(go_on).await.unwrap().0.from.as_deref(), Some("7.8"));
        let other = LookupEventsRequest { next_token: token.clone(), ..named };
        assert_eq!(check(other).await.unwrap_err(), "InvalidNextTokenException", "it was given for another lookup");
        for (input, code) in [
            (LookupEventsRequest { max_results: Some(0), ..Default::default() }, "InvalidMaxResultsException"),
            (LookupEventsRequest { max_results: Some(51), ..Default::default() }, "InvalidMaxResultsException"),
            (
                LookupEventsRequest {
                    lookup_attributes: Some(vec![by("EventName", "a"), by("Username", "b")]),
                    ..Default::default()
                },
                "InvalidLookupAttributesException",
            ),
            (
                LookupEventsRequest { lookup_attributes: Some(vec![by("Colour", "a")]), ..Default::default() },
                "InvalidLookupAttributesException",
            ),
            (
                LookupEventsRequest { lookup_attributes: Some(vec![by("ReadOnly", "yes")]), ..Default::default() },
                "InvalidLookupAttributesException",
            ),
            (
                LookupEventsRequest {
                    start_time: Some(Timestamp::constant(2, 0)),
                    end_time: Some(Timestamp::constant(1, 0)),
                    ..Default::default()
                },
                "InvalidTimeRangeException",
            ),
            (LookupEventsRequest { next_token: Some("abc".into()), ..Default::default() }, "InvalidNextTokenException"),
            (
                LookupEventsRequest { next_token: token.map(|token| format!("A{token}")), ..Default::default() },
                "InvalidNextTokenException",
            ),
            (
                LookupEventsRequest { event_category: Some("all".into()), ..Default::default() },
                "InvalidEventCategoryException",
            ),
        ] {
            assert_eq!(check(input.clone()).await.unwrap_err(), code, "{input:?}");
        }
    }

    #[tokio::test]
    async fn events_are_shown_and_users_without_permission_refused() {
        let (service, script) = service();
        let answer = service.lookup_events(call(Principal::Root), LookupEventsRequest::default()).await.unwrap();
        let event = &answer.events.unwrap()[0];
        assert_eq!((event.event_name.as_deref(), event.read_only.as_deref()), (Some("CreateVpc"), Some("false")));
        assert_eq!(event.resources.as_ref().unwrap()[0].resource_name.as_deref(), Some("vpc-1"));
        script.asked.lock().unwrap().clear();
        let insight = LookupEventsRequest { event_category: Some("insight".into()), ..Default::default() };
        assert_eq!(service.lookup_events(call(Principal::Root), insight).await.unwrap().events, Some(Vec::new()));
        let user = Principal::User { name: "ann".into(), path: "/".into(), id: "AIDA".into() };
        let refused = service.lookup_events(call(user), LookupEventsRequest::default()).await.unwrap_err();
        assert_eq!((&*refused.code, refused.status), ("AccessDeniedException", 400));
        assert!(refused.message.contains("cloudtrail:LookupEvents"), "{}", refused.message);
        assert!(script.asked.lock().unwrap().is_empty());
    }
}
