//! What `RunInstances` gives and refuses, and who may see the outcome.

use std::collections::BTreeSet;

use api::ec2::{
    BlockDeviceMapping, DescribeImagesRequest, DescribeInstanceTypesRequest, DescribeInstancesRequest, Ec2Api, Filter,
    InstanceNetworkInterfaceSpecification, Placement, RunInstancesMonitoringEnabled, RunInstancesRequest, Tag,
    TagSpecification,
};

use super::rig::{Rig, group, root, subnet, user};

fn tags(kind: &str, key: &str, value: &str) -> TagSpecification {
    let tag = Tag { key: Some(key.into()), value: Some(value.into()) };
    TagSpecification { resource_type: Some(kind.into()), tags: Some(vec![tag]) }
}

#[tokio::test]
async fn a_launch_fills_in_what_the_request_leaves_open() {
    let rig = Rig::new().await;
    let instance = rig.launch_one(rig.request()).await;
    assert_eq!(instance.subnet_id.as_deref(), Some(subnet(1).as_str()));
    assert_eq!(instance.security_groups.unwrap()[0].group_id.as_deref(), Some(group(1).as_str()));
    assert_eq!(instance.placement.unwrap().availability_zone.as_deref(), Some("us-east-1a"));
    assert!(instance.private_ip_address.unwrap().starts_with("172.31."));
    assert!(instance.public_dns_name.unwrap().starts_with("ec2-203-0-113-"));
    assert!(instance.private_dns_name.unwrap().ends_with(".ec2.internal"));
    assert_eq!(instance.network_interfaces.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_refused() {
    let rig = Rig::new().await;
    let foreign_group = group(2).to_string();
    type Change<'a> = &'a dyn Fn(&mut RunInstancesRequest);
    let table: &[(&str, Change<'_>)] = &[
        ("MissingParameter", &|input| input.image_id = None),
        ("InvalidAMIID.Malformed", &|input| input.image_id = Some("tiny".into())),
        ("InvalidAMIID.NotFound", &|input| input.image_id = Some("ami-0123456789abcdef0".into())),
        ("InvalidParameterValue", &|input| input.instance_type = Some("t9.nano".into())),
        ("InvalidParameterValue", &|input| input.min_count = 0),
        ("InvalidParameterValue", &|input| input.min_count = 2),
        ("InstanceLimitExceeded", &|input| (input.min_count, input.max_count) = (1000, 1000)),
        ("InvalidKeyPair.NotFound", &|input| input.key_name = Some("other".into())),
        ("InvalidGroup.NotFound", &|input| input.security_groups = Some(vec!["other".into()])),
        ("InvalidGroup.NotFound", &|input| input.security_group_ids = Some(vec![foreign_group.clone()])),
        ("InvalidParameterCombination", &|input| {
            input.security_group_ids = Some(vec![group(1).to_string()]);
            input.security_groups = Some(vec!["default".into()]);
        }),
        ("InvalidSubnetID.NotFound", &|input| input.subnet_id = Some(subnet(2).to_string())),
        ("InvalidParameterValue", &|input| {
            input.placement = Some(Placement { availability_zone: Some("eu-west-1a".into()), ..Placement::default() });
        }),
        ("InvalidParameterValue", &|input| {
            input.subnet_id = Some(subnet(1).to_string());
            input.placement = Some(Placement { availability_zone: Some("us-east-1b".into()), ..Placement::default() });
        }),
        ("InvalidParameterValue", &|input| input.private_ip_address = Some("10.0.0.9".into())),
        ("InvalidParameterValue", &|input| input.private_ip_address = Some("172.31.0.3".into())),
        ("InvalidUserData.Malformed", &|input| input.user_data = Some("%".into())),
        ("InvalidParameterValue", &|input| input.user_data = Some("AAAA".repeat(5462))),
        ("InvalidParameterValue", &|input| input.tag_specifications = Some(vec![tags("vpc", "a", "b")])),
        ("InvalidParameterValue", &|input| input.tag_specifications = Some(vec![tags("instance", "aws:a", "b")])),
        ("UnsupportedOperation", &|input| input.tag_specifications = Some(vec![tags("volume", "a", "b")])),
        ("UnsupportedOperation", &|input| input.block_device_mappings = Some(vec![BlockDeviceMapping::default()])),
        ("UnsupportedOperation", &|input| {
            input.monitoring = Some(RunInstancesMonitoringEnabled { enabled: true, metric_category_ids: None });
        }),
        ("UnsupportedOperation", &|input| input.instance_initiated_shutdown_behavior = Some("stop".into())),
        ("InsufficientFreeAddressesInSubnet", &|input| {
            input.subnet_id = Some(subnet(11).to_string());
            (input.min_count, input.max_count) = (12, 12);
        }),
        ("UnsupportedOperation", &|input| {
            let one = InstanceNetworkInterfaceSpecification { device_index: Some(0), ..Default::default() };
            input.network_interfaces = Some(vec![one.clone(), one]);
        }),
        ("InvalidParameterCombination", &|input| {
            let one = InstanceNetworkInterfaceSpecification { device_index: Some(0), ..Default::default() };
            input.network_interfaces = Some(vec![one]);
            input.subnet_id = Some(subnet(1).to_string());
        }),
    ];
    for (at, (code, change)) in table.iter().enumerate() {
        let mut input = rig.request();
        change(&mut input);
        let refused = rig.launch(root(1), input).await.expect_err("refused");
        assert_eq!(refused.code, *code, "case {at}: {}", refused.message);
    }
    assert!(rig.instances(root(1)).await.is_empty());
}

#[tokio::test]
async fn a_subnet_fills_up_and_no_further() {
    let rig = Rig::new().await;
    let mut input = rig.request();
    input.subnet_id = Some(subnet(11).to_string());
    (input.min_count, input.max_count) = (2, 50);
    let launched = rig.launch(root(1), input).await.unwrap().instances.unwrap();
    // Sixteen addresses less the five that are AWS's.
    assert_eq!(launched.len(), 11);
    assert!(launched.iter().all(|instance| instance.public_ip_address.is_none()));
    let indexes: Vec<i32> = launched.iter().map(|instance| instance.ami_launch_index.unwrap()).collect();
    assert_eq!(indexes, (0..11).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_named_private_address_is_given_once() {
    let rig = Rig::new().await;
    let interface = InstanceNetworkInterfaceSpecification {
        device_index: Some(0),
        subnet_id: Some(subnet(11).to_string()),
        private_ip_address: Some("172.31.16.7".into()),
        associate_public_ip_address: Some(true),
        ..Default::default()
    };
    let input = RunInstancesRequest { network_interfaces: Some(vec![interface]), ..rig.request() };
    let instance = rig.launch_one(input.clone()).await;
    assert_eq!(instance.private_ip_address.as_deref(), Some("172.31.16.7"));
    assert!(instance.public_ip_address.is_some());
    assert_eq!(rig.launch(root(1), input).await.unwrap_err().code, "InvalidIPAddress.InUse");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_launches_get_distinct_addresses() {
    let rig = std::sync::Arc::new(Rig::new().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let rig = rig.clone();
        calls.spawn(async move { rig.launch_one(rig.request()).await });
    }
    let launched = calls.join_all().await;
    let distinct = |value: fn(&api::ec2::Instance) -> Option<String>| {
        launched.iter().map(|instance| value(instance).unwrap()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(distinct(|instance| instance.private_ip_address.clone()), 20);
    assert_eq!(distinct(|instance| instance.public_ip_address.clone()), 20);
    assert_eq!(distinct(|instance| instance.instance_id.clone()), 20);
}

#[tokio::test]
async fn a_token_makes_a_launch_repeatable() {
    let rig = Rig::new().await;
    let input = RunInstancesRequest { client_token: Some("once".into()), max_count: 3, ..rig.request() };
    let first = rig.launch(root(1), input.clone()).await.unwrap();
    let again = rig.launch(root(1), input.clone()).await.unwrap();
    assert_eq!(again, first);
    let other = RunInstancesRequest { max_count: 2, ..input.clone() };
    assert_eq!(rig.launch(root(1), other).await.unwrap_err().code, "IdempotentParameterMismatch");
    // Another account's token is another token.
    assert_ne!(rig.launch(root(2), input).await.unwrap().reservation_id, first.reservation_id);
    assert_eq!(rig.instances(root(1)).await.len(), 3);
}

#[tokio::test]
async fn permissions_and_dry_runs_change_nothing() {
    let rig = Rig::new().await;
    let refused = rig.launch(user(1), rig.request()).await.unwrap_err();
    assert_eq!((refused.code.as_ref(), refused.status), ("UnauthorizedOperation", 403));
    let dry = RunInstancesRequest { dry_run: Some(true), ..rig.request() };
    assert_eq!(rig.launch(root(1), dry).await.unwrap_err().code, "DryRunOperation");
    assert!(rig.instances(root(1)).await.is_empty());
}

#[tokio::test]
async fn another_account_neither_sees_nor_ends_an_instance() {
    let rig = Rig::new().await;
    let id = rig.launch_one(rig.request()).await.instance_id.unwrap();
    assert!(rig.instances(root(2)).await.is_empty());
    let refused = rig.terminate(root(2), &id).await.unwrap_err();
    assert_eq!(refused.code, "InvalidInstanceID.NotFound");
    let input = api::ec2::GetConsoleOutputRequest { instance_id: id.clone(), ..Default::default() };
    assert_eq!(rig.ec2.get_console_output(root(2), input).await.unwrap_err().code, "InvalidInstanceID.NotFound");
    assert_eq!(rig.terminate(root(1), "i-1").await.unwrap_err().code, "InvalidInstanceID.Malformed");
}

#[tokio::test]
async fn termination_protection_holds_for_the_whole_call() {
    let rig = Rig::new().await;
    let free = rig.launch_one(rig.request()).await.instance_id.unwrap();
    let input = RunInstancesRequest { disable_api_termination: Some(true), ..rig.request() };
    let protected = rig.launch_one(input).await.instance_id.unwrap();
    let both =
        api::ec2::TerminateInstancesRequest { instance_ids: vec![free.clone(), protected], ..Default::default() };
    assert_eq!(rig.ec2.terminate_instances(root(1), both).await.unwrap_err().code, "OperationNotPermitted");
    assert_eq!(super::rig::state_of(&rig.instance(&free).await), "pending");
}

#[tokio::test]
async fn instances_are_found_by_filters_and_pages() {
    let rig = Rig::new().await;
    let input = RunInstancesRequest {
        max_count: 12,
        tag_specifications: Some(vec![tags("instance", "role", "web"), tags("network-interface", "role", "nic")]),
        ..rig.request()
    };
    let many = rig.launch(root(1), input).await.unwrap();
    let other = rig.launch_one(RunInstancesRequest { subnet_id: Some(subnet(11).to_string()), ..rig.request() }).await;
    let (first, second) = (subnet(1), subnet(11));
    let cases: &[(&str, &str, usize)] = &[
        ("tag:role", "w*", 12),
        ("tag:role", "nic", 0),
        ("tag-key", "role", 12),
        ("subnet-id", second.as_str(), 1),
        ("instance-id", other.instance_id.as_deref().unwrap(), 1),
        ("private-ip-address", other.private_ip_address.as_deref().unwrap(), 1),
        ("network-interface.subnet-id", first.as_str(), 12),
        ("instance.group-name", "default", 13),
        ("reservation-id", many.reservation_id.as_deref().unwrap(), 12),
        ("instance-state-name", "pending", 13),
        ("instance-state-name", "running", 0),
        ("availability-zone", "us-east-1b", 1),
        ("instance-type", "t3.*", 13),
    ];
    for (name, value, count) in cases {
        let filter = Filter { name: Some((*name).into()), values: Some(vec![(*value).into()]) };
        let input = DescribeInstancesRequest { filters: Some(vec![filter]), ..Default::default() };
        let found = rig.ec2.describe_instances(root(1), input).await.unwrap().reservations.unwrap();
        let found: usize = found.iter().map(|one| one.instances.as_ref().unwrap().len()).sum();
        assert_eq!(found, *count, "{name}={value}");
    }
    let (mut seen, mut token) = (BTreeSet::new(), None);
    loop {
        let input = DescribeInstancesRequest { max_results: Some(5), next_token: token, ..Default::default() };
        let page = rig.ec2.describe_instances(root(1), input).await.unwrap();
        let instances = page.reservations.unwrap().into_iter().flat_map(|one| one.instances.unwrap());
        seen.extend(instances.map(|instance| instance.instance_id.unwrap()));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 13);
}

#[tokio::test]
async fn images_and_types_are_shown() {
    let rig = Rig::new().await;
    let images = |owners: Option<Vec<String>>| DescribeImagesRequest { owners, ..Default::default() };
    let found = rig.ec2.describe_images(root(1), images(None)).await.unwrap().images.unwrap();
    assert_eq!(found[0].image_id.as_deref(), Some(rig.image.as_str()));
    for (owner, count) in [("self", 0), ("000000000000", 1), ("amazon", 0)] {
        let found = rig.ec2.describe_images(root(1), images(Some(vec![owner.into()]))).await.unwrap();
        assert_eq!(found.images.unwrap().len(), count, "{owner}");
    }
    let types = |name: &str| DescribeInstanceTypesRequest {
        instance_types: Some(vec![name.into()]),
        ..DescribeInstanceTypesRequest::default()
    };
    let found = rig.ec2.describe_instance_types(root(1), types("t3.micro")).await.unwrap().instance_types.unwrap();
    assert_eq!(found[0].memory_info.as_ref().unwrap().size_in_mi_b, Some(1024));
    let refused = rig.ec2.describe_instance_types(root(1), types("t9.micro")).await.unwrap_err();
    assert_eq!(refused.code, "InvalidInstanceType");
}
