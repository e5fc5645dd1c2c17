//! Which service a request is for, and in which manner it is asked, before anything in it is believed.
//! Not here: the operation, which each manner names in its own way.

use http::{HeaderMap, Method, Uri};
use wire::{JsonVersion, Protocol, ServiceShape, select};

use crate::hosts::{is_account, names_s3_control, virtual_bucket};

/// Pairs of a query or a form.
pub(crate) type Pairs = [(String, Option<String>)];

/// How a client speaks. Several protocols may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A form with an action and a version, in the body or in the query.
    Form,
    /// A JSON document, its operation in `X-Amz-Target`.
    Json,
    /// A CBOR document, its operation in the path.
    Cbor,
    /// Method and path.
    Rest,
}

/// What the head of a request says of its service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    /// The signing name in its credential scope, if it is signed.
    pub(crate) scope: Option<&'a str>,
    pub(crate) manner: Manner,
    method: &'a Method,
    uri: &'a Uri,
    query: &'a Pairs,
    headers: &'a HeaderMap,
}

impl<'a> Head<'a> {
    /// The head of a request, whose header names this scope, if it has any that can be read; `query` is its query,
    /// decoded.
    pub(crate) fn new(
        scope: Option<&'a str>,
        method: &'a Method,
        uri: &'a Uri,
        query: &'a Pairs,
        headers: &'a HeaderMap,
    ) -> Self {
        let scope = scope.or_else(|| presigned_scope(query));
        let mut head = Self { scope, manner: Manner::Rest, method, uri, query, headers };
        let content_type = head.text("content-type");
        // Forms are sent to the root of a service; what has a bucket in its path is an upload to S3, as a browser sends it that
        // was not told to use the other kind of form.
        let is_upload = scope.is_none() && uri.path() != "/";
        let is_form =
            method == Method::POST && content_type.starts_with("application/x-www-form-urlencoded") && !is_upload;
        if head.text("smithy-protocol") == "rpc-v2-cbor" {
            head.manner = Manner::Cbor;
        } else if headers.contains_key(TARGET) || content_type.starts_with("application/x-amz-json-1.") {
            head.manner = Manner::Json;
        } else if is_form || value_of(query, "Action").is_some() {
            head.manner = Manner::Form;
        }
        head
    }

    fn text(&self, name: &str) -> &'a str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The service that a target or the path of a CBOR request names, without its package.
    fn target(&self) -> Option<&'a str> {
        let name = match self.manner {
            Manner::Json => self.text(TARGET).rsplit_once('.')?.0,
            Manner::Cbor => self.uri.path().rsplit_once("/operation/")?.0.rsplit_once("/service/")?.1,
            Manner::Form | Manner::Rest => return None,
        };
        Some(name.rsplit(['.', '#']).next().unwrap_or(name))
    }

    /// S3 Control shares its signing name with S3. A client with an endpoint of its own puts the account in front of
    /// that, and says it in a header too.
    fn is_s3_control(&self) -> bool {
        names_s3_control(self.text("host"))
            || (self.uri.path().starts_with(S3_CONTROL_PATH) && self.headers.contains_key("x-amz-account-id"))
    }

    /// The protocol in which a service reads and answers this; none if it speaks in no such manner.
    pub(crate) fn protocol(&self, service: &ServiceShape) -> Option<Protocol> {
        let speaks = |wanted: fn(&Protocol) -> bool| service.protocols.iter().any(wanted);
        let is_understood = match self.manner {
            Manner::Json => speaks(|spoken| matches!(spoken, Protocol::Json { .. }) || spoken.is_rest()),
            Manner::Cbor => speaks(|spoken| matches!(spoken, Protocol::Cbor) || spoken.is_rest()),
            // A form without its content type is still one to a service that knows nothing else.
            Manner::Form | Manner::Rest => true,
        };
        let query = self.uri.query().unwrap_or_default();
        is_understood.then(|| select(service, self.method, self.uri.path(), query, self.headers))
    }

    /// The protocol in which nobody answers: the one that whoever speaks in this manner reads most likely.
    pub(crate) fn protocol_of_nobody(&self) -> Protocol {
        match self.manner {
            Manner::Form => Protocol::Query,
            Manner::Json if self.text("content-type").starts_with(JsonVersion::V1_0.content_type()) => {
                Protocol::Json { version: JsonVersion::V1_0 }
            }
            Manner::Json => Protocol::Json { version: JsonVersion::V1_1 },
            Manner::Cbor => Protocol::Cbor,
            Manner::Rest if self.scope.is_none_or(|scope| XML_SCOPES.contains(&scope)) => Protocol::RestXml,
            Manner::Rest => Protocol::RestJson,
        }
    }
}

const TARGET: &str = "x-amz-target";

/// The signing names of AWS's services that speak `rest-xml`; of the others that have paths, all speak `rest-json`.
const XML_SCOPES: [&str; 4] = ["s3", "s3express", "route53", "cloudfront"];

/// The services that a request may be for; more than one if only its form can tell.
pub(crate) fn candidates(
    services: impl Iterator<Item = &'static ServiceShape>,
    head: &Head<'_>,
) -> Vec<&'static ServiceShape> {
    let is_asked = |service: &&'static ServiceShape| match head.scope {
        Some(scope) => service.signing_name == scope,
        None => match head.manner {
            Manner::Form => service.protocols.iter().any(|protocol| protocol.is_form()),
            Manner::Json | Manner::Cbor => true,
            // Of all services S3 alone takes requests without a signature.
            Manner::Rest => service.signing_name == "s3",
        },
    };
    let mut found: Vec<_> = services.filter(is_asked).collect();
    if let Some(name) = head.target() {
        let is_named = |prefix: &str| prefix.rsplit('.').next() == Some(name);
        found.retain(|service| service.target_prefix.is_some_and(is_named) || service.service_id == name);
    } else if head.scope.is_none() && matches!(head.manner, Manner::Json | Manner::Cbor) {
        return Vec::new();
    }
    let is_s3_control = head.is_s3_control();
    found.retain(|service| service.signing_name != "s3" || (service.endpoint_prefix == "s3") != is_s3_control);
    let named = by_host(&found, head.text("host"));
    if !named.is_empty() {
        found = named;
    }
    narrow(found, head.query)
}

/// Those of `services` that have this version, or else this action; all if the form names neither.
pub(crate) fn narrow(services: Vec<&'static ServiceShape>, form: &Pairs) -> Vec<&'static ServiceShape> {
    let narrower = |services: Vec<&'static ServiceShape>, fits: &dyn Fn(&ServiceShape) -> bool| {
        let fitting: Vec<_> = services.iter().copied().filter(|service| fits(service)).collect();
        if fitting.is_empty() { services } else { fitting }
    };
    if services.len() < 2 {
        return services;
    }
    let services = match value_of(form, "Version") {
        Some(version) => narrower(services, &|service| service.api_version == version),
        None => services,
    };
    match value_of(form, "Action") {
        Some(action) => narrower(services, &|service| service.find(action).is_some()),
        None => services,
    }
}

fn value_of<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
}

/// The signing name in the credential of a presigned request.
fn presigned_scope(query: &Pairs) -> Option<&str> {
    value_of(query, "X-Amz-Credential")?.rsplit('/').nth(1)
}

/// Those of `services` that a host name names, as in `ec2.us-east-1.example.net`; S3 Control's has an account in front.
fn by_host(services: &[&'static ServiceShape], host: &str) -> Vec<&'static ServiceShape> {
    let after_account = host.split_once('.').filter(|(first, _)| is_account(first)).map(|(_, rest)| rest);
    let begins = |host: &str, prefix: &str| host.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    let is_named = |service: &&&'static ServiceShape| {
        let prefix = service.endpoint_prefix;
        begins(host, prefix)
            || after_account.is_some_and(|rest| begins(rest, prefix))
            || (prefix == "s3" && virtual_bucket(host).is_some())
    };
    services.iter().filter(is_named).copied().collect()
}

/// The beginning of every path of S3 Control's.
const S3_CONTROL_PATH: &str = "/v20180820/";

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, Method, Uri};
    use wire::{JsonVersion, OperationEntry, Protocol, ServiceShape};

    use super::{Head, Manner, candidates, narrow};

    const fn service(
        name: &'static str,
        prefix: &'static str,
        signing_name: &'static str,
        protocols: &'static [Protocol],
        api_version: &'static str,
        operations: &'static [OperationEntry],
    ) -> ServiceShape {
        ServiceShape {
            name,
            service_id: name,
            endpoint_prefix: prefix,
            signing_name,
            protocols,
            api_version,
            xml_namespace: "",
            target_prefix: None,
            has_bare_errors: false,
            has_whole_seconds: false,
            is_query_compatible: false,
            errors: &[],
            operations,
        }
    }

    const BALANCING: &str = "elasticloadbalancing";
    static EC2: ServiceShape = service("ec2", "ec2", "ec2", &[Protocol::Ec2], "2016-11-15", &[]);
    static STS: ServiceShape =
        service("sts", "sts", "sts", &[Protocol::Query], "2011-06-15", &[OperationEntry::new("GetCallerIdentity")]);
    static S3: ServiceShape = service("s3", "s3", "s3", &[Protocol::RestXml], "2006-03-01", &[]);
    static CONTROL: ServiceShape = service("s3control", "s3-control", "s3", &[Protocol::RestXml], "2018-08-20", &[]);
    static ELB: ServiceShape = service("elb", BALANCING, BALANCING, &[Protocol::Query], "2012-06-01", &[]);
    static ELB_V2: ServiceShape = service(
        "elbv2",
        BALANCING,
        BALANCING,
        &[Protocol::Query],
        "2015-12-01",
        &[OperationEntry::new("CreateTargetGroup")],
    );
    static MONITORING: ServiceShape = ServiceShape {
        target_prefix: Some("GraniteServiceVersion20100801"),
        ..service(
            "cloudwatch",
            "monitoring",
            "monitoring",
            &[Protocol::Cbor, Protocol::Json { version: JsonVersion::V1_0 }, Protocol::Query],
            "2010-08-01",
            &[],
        )
    };
    static ALL: [&ServiceShape; 7] = [&EC2, &STS, &S3, &CONTROL, &ELB, &ELB_V2, &MONITORING];

    #[derive(Default)]
    struct Asked {
        scope: Option<&'static str>,
        path: &'static str,
        query: &'static str,
        headers: &'static [(&'static str, &'static str)],
    }

    fn check(asked: &Asked, manner: Manner, expected: &[&str]) {
        let headers: HeaderMap =
            asked.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        let query = wire::parse_query(asked.query).unwrap();
        let is_posted = manner != Manner::Rest || asked.headers.contains(&FORM);
        let method = if is_posted { Method::POST } else { Method::GET };
        let path = if asked.path.is_empty() { "/" } else { asked.path };
        let uri: Uri = format!("{path}?{}", asked.query).parse().unwrap();
        let head = Head::new(asked.scope, &method, &uri, &query, &headers);
        let found: Vec<_> = candidates(ALL.iter().copied(), &head).iter().map(|service| service.name).collect();
        let what = format!("{:?} {} {} {:?}", asked.scope, asked.path, asked.query, asked.headers);
        assert_eq!((head.manner, found.as_slice()), (manner, expected), "{what}");
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn services_by_what_names_them() {
        let scope = |scope, headers, manner, expected: &[&str]| {
            check(&Asked { scope: Some(scope), headers, ..Asked::default() }, manner, expected);
        };
        scope("ec2", &[FORM], Manner::Form, &["ec2"]);
        scope("ec2", &[FORM, ("host", "sts.us-east-1.example.net")], Manner::Form, &["ec2"]);
        scope(BALANCING, &[FORM], Manner::Form, &["elb", "elbv2"]);
        scope("lambda", &[], Manner::Rest, &[]);
        scope("s3", &[("host", "b.s3.example.net")], Manner::Rest, &["s3"]);
        scope("s3", &[("host", "123456789012.s3-control.us-east-1.example.net")], Manner::Rest, &["s3control"]);
        let account = [("host", "123456789012.localhost"), ("x-amz-account-id", "123456789012")];
        for (path, service) in [("/v20180820/jobs", "s3control"), ("/key", "s3")] {
            let headers = Box::leak(Box::new(account));
            check(&Asked { scope: Some("s3"), path, headers, ..Asked::default() }, Manner::Rest, &[service]);
        }
        scope("monitoring", &[("x-amz-target", "GraniteServiceVersion20100801.X")], Manner::Json, &["cloudwatch"]);
        scope("monitoring", &[("x-amz-target", "Unicorn.X")], Manner::Json, &[]);

        let query = |query, manner, expected: &[&str]| check(&Asked { query, ..Asked::default() }, manner, expected);
        query("Action=GetCallerIdentity&Version=2011-06-15", Manner::Form, &["sts"]);
        query("Action=GetCallerIdentity", Manner::Form, &["sts"]);
        query("Action=X&Version=2012-06-01", Manner::Form, &["elb"]);
        query("Action=CreateTargetGroup", Manner::Form, &["elbv2"]);
        query("X-Amz-Credential=A/20261122/us-east-1/sts/aws4_request&Action=X", Manner::Form, &["sts"]);
        query("list-type=2", Manner::Rest, &["s3"]);

        let headers =
            |headers, manner, expected: &[&str]| check(&Asked { headers, ..Asked::default() }, manner, expected);
        headers(&[FORM, ("host", "sts.us-east-1.example.net")], Manner::Form, &["sts"]);
        headers(&[FORM, ("host", "ec2.localhost:4566")], Manner::Form, &["ec2"]);
        headers(&[FORM, ("host", "localhost:4566")], Manner::Form, &["ec2", "sts", "elb", "elbv2", "cloudwatch"]);
        headers(&[("host", "ec2.localhost:4566")], Manner::Rest, &["s3"]);
        check(&Asked { path: "/bucket", headers: &[FORM], ..Asked::default() }, Manner::Rest, &["s3"]);
        headers(&[("x-amz-target", "GraniteServiceVersion20100801.X")], Manner::Json, &["cloudwatch"]);
        headers(&[("x-amz-target", "Nobody.X")], Manner::Json, &[]);

        let cbor = |path, expected: &[&str]| {
            check(
                &Asked { path, headers: &[("smithy-protocol", "rpc-v2-cbor")], ..Asked::default() },
                Manner::Cbor,
                expected,
            );
        };
        cbor("/service/GraniteServiceVersion20100801/operation/PutMetricData", &["cloudwatch"]);
        cbor("/service/Nobody/operation/X", &[]);
    }

    #[test]
    fn a_form_tells_services_of_one_signing_name_apart() {
        let check = |form: &str, expected: &[&str]| {
            let form = wire::parse_query(form).unwrap();
            let found: Vec<_> = narrow(vec![&ELB, &ELB_V2], &form).iter().map(|service| service.name).collect();
            assert_eq!(found, expected, "{form:?}");
        };
        check("Action=DescribeLoadBalancers&Version=2015-12-01", &["elbv2"]);
        check("Action=DescribeLoadBalancers&Version=2012-06-01", &["elb"]);
        check("Action=CreateTargetGroup", &["elbv2"]);
        check("Action=DescribeLoadBalancers", &["elb", "elbv2"]);
        check("Version=2000-01-01", &["elb", "elbv2"]);
    }

    #[test]
    fn the_protocol_is_the_clients_choice() {
        const JSON: Protocol = Protocol::Json { version: JsonVersion::V1_0 };
        const CBOR: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");
        const TARGET: (&str, &str) = ("x-amz-target", "GraniteServiceVersion20100801.PutMetricData");
        const JSON_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
        let check = |service: &ServiceShape, headers: &[(&'static str, &str)], expected: Option<Protocol>| {
            let headers: HeaderMap =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
            let uri = Uri::from_static("/");
            let head = Head::new(Some("x"), &Method::POST, &uri, &[], &headers);
            assert_eq!(head.protocol(service), expected, "{} {headers:?}", service.name);
        };
        check(&MONITORING, &[FORM], Some(Protocol::Query));
        check(&MONITORING, &[TARGET, JSON_TYPE], Some(JSON));
        check(&MONITORING, &[CBOR], Some(Protocol::Cbor));
        check(&EC2, &[], Some(Protocol::Ec2));
        check(&S3, &[FORM], Some(Protocol::RestXml));
        check(&S3, &[TARGET], Some(Protocol::RestXml));
        check(&STS, &[FORM], Some(Protocol::Query));
        check(&STS, &[TARGET, JSON_TYPE], None);
        check(&STS, &[CBOR], None);
    }
}
