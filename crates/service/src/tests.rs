//! The runner with a service of its own: what is refused of a call, whole or in part.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::s3::{
    Delete, DeleteObjects, DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, Error, ObjectIdentifier,
};
use api::{Call, Caller};
use ids::{AccountId, Arn};
use jiff::Timestamp;
use store::{Memory, Store, StoreError, View};
use wire::ServiceError;

use crate::{
    Applied, Authorizer, Cx, Denied, Directory, Effects, KeyAlgorithm, KeyMaterial, Named, Need, Operation, Refusal,
    RegionFacts, Runner, Scope, Service,
};

struct Still;

impl Effects for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn new_key(&self, _algorithm: KeyAlgorithm) -> Result<KeyMaterial, String> {
        Err("no keys".to_owned())
    }
}

struct Nobody;

impl Directory for Nobody {
    fn named(&self, _view: &View, _name: &str) -> Result<Named, StoreError> {
        Ok(Named::Nobody)
    }

    fn arn_of(&self, _view: &View, id: &str) -> Result<Option<String>, StoreError> {
        Ok((id == "AIDA1").then(|| "arn:now".to_owned()))
    }

    fn accounts(&self, _view: &View) -> Result<Vec<AccountId>, StoreError> {
        Ok(Vec::new())
    }
}

/// Refuses what is in `closed/`.
struct Doors;

impl Authorizer for Doors {
    fn directory(&self) -> &dyn Directory {
        &Nobody
    }

    fn authorize(&self, _call: &Call, needs: &[Need], _view: &View) -> Result<Vec<Refusal>, Denied> {
        let closed = needs.iter().filter(|need| need.resource_text().contains("closed/"));
        let refusal =
            |need: &Need| Refusal { need: need.clone(), because: "because it is closed".into(), encoded: None };
        let refusals: Vec<Refusal> = closed.map(refusal).collect();
        match refusals.iter().find(|refusal| refusal.need.part.is_none()) {
            Some(whole) => Err(Denied::Refused(Box::new(whole.clone()))),
            None => Ok(refusals),
        }
    }
}

#[derive(Clone)]
struct Shelf(Runner);

impl Service for Shelf {
    const NAME: &'static str = "shelf";

    fn runner(&self) -> &Runner {
        &self.0
    }

    fn unauthorized(call: &Call, refusal: &Refusal) -> ServiceError {
        ServiceError::sender("AccessDenied", 403, refusal.message(&call.caller))
    }
}

impl Operation<Shelf> for DeleteObjects {
    type Error = ServiceError;

    fn needs(input: &DeleteObjectsRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, ServiceError> {
        let need = |key: &str| Need::on("shelf:Delete", Arn::new("shelf", "", "", key));
        let parts = input.delete.objects.iter().enumerate().map(|(part, object)| need(&object.key).for_part(part));
        Ok(std::iter::once(need(&input.bucket)).chain(parts).collect())
    }

    fn apply(
        input: &DeleteObjectsRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<DeleteObjectsOutput>, ServiceError> {
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for (part, object) in input.delete.objects.iter().enumerate() {
            let key = Some(object.key.clone());
            match cx.refused(part) {
                None => deleted.push(DeletedObject { key, ..DeletedObject::default() }),
                Some(refusal) => {
                    let message = Some(Shelf::unauthorized(&cx.call, refusal).message);
                    errors.push(Error { key, message, ..Error::default() });
                }
            }
        }
        let output = DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..Default::default() };
        Ok(Applied::read(output))
    }
}

async fn delete(shelf: &str, keys: &[&str]) -> Result<DeleteObjectsOutput, ServiceError> {
    let region =
        RegionFacts { name: "r".into(), zones: vec![], endpoint: "e".into(), public_pool: (Ipv4Addr::LOCALHOST, 24) };
    let runner = Runner::new(Store::new(Memory::new()), Arc::new(region), Arc::new(Still), Arc::new(Doors));
    let call = Call {
        caller: Caller::root("111111111111".parse().unwrap(), "AKIA"),
        request_id: "1".into(),
        source_ip: None,
        is_secure: true,
        user_agent: String::new(),
        manner: Arc::default(),
        region: "r".into(),
        verdicts: api::Verdicts::default(),
    };
    let objects = keys.iter().map(|key| ObjectIdentifier { key: (*key).to_owned(), ..Default::default() }).collect();
    let input = DeleteObjectsRequest {
        bucket: shelf.to_owned(),
        delete: Delete { objects, quiet: None },
        ..Default::default()
    };
    runner.run::<Shelf, DeleteObjects>(&Shelf(runner.clone()), call, input).await
}

#[tokio::test]
async fn a_refused_part_is_all_that_is_refused() {
    let output = delete("open", &["open/a", "closed/b", "open/c", "closed/d"]).await.unwrap();
    let deleted: Vec<_> = output.deleted.unwrap().into_iter().filter_map(|object| object.key).collect();
    assert_eq!(deleted, ["open/a", "open/c"]);
    let errors: Vec<_> =
        output.errors.unwrap().into_iter().map(|error| (error.key.unwrap(), error.message.unwrap())).collect();
    let text = |key: &str| {
        format!(
            "User: arn:aws:iam::111111111111:root is not authorized to perform: shelf:Delete on resource: arn:aws:shelf:::{key} because it is closed"
        )
    };
    assert_eq!(errors, ["closed/b", "closed/d"].map(|key| (key.to_owned(), text(key))));
    assert_eq!(delete("open", &["closed/b"]).await.unwrap().deleted.unwrap().len(), 0);
}

#[tokio::test]
async fn what_the_whole_needs_refuses_the_whole() {
    let error = delete("closed/", &["open/a"]).await.unwrap_err();
    assert_eq!((&*error.code, error.status), ("AccessDenied", 403));
}

#[test]
fn policies_name_people_as_they_are_called_now() {
    let view = Store::new(Memory::new()).view().unwrap();
    let principals = [("arn:then".to_owned(), "AIDA1".to_owned()), ("arn:gone".to_owned(), "AIDA2".to_owned())];
    let text = r#"["arn:then","arn:gone","arn:then/else"]"#;
    assert_eq!(Nobody.in_force(&view, text, &principals).unwrap(), r#"["arn:now","AIDA2","arn:then/else"]"#);
    assert!(crate::has_plainly(text, &principals));
    assert!(!crate::has_plainly(r#"["arn:th\u0065n"]"#, &principals));
}
