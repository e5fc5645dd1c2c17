//! What reaches the networks of running instances.

use api::ec2::{AuthorizeSecurityGroupIngressRequest, Ec2Api, RunInstancesRequest};
use host::{FirewallRule, InterfaceSpec, Peer, Ports, Protocol};

use crate::world::{Process, World, ids};

async fn interface(process: &Process) -> InterfaceSpec {
    let vpcs = host::Networks::list(&*process.networks).await.unwrap();
    process.networks.applied(&vpcs[0]).unwrap().interfaces.remove(0)
}

#[test]
fn a_rule_reaches_the_instances_that_run() {
    let process = World::in_memory();
    let process = process.start();
    process.run(async |process| {
        let launched = process.launch(1).await;
        process.settle(&ids(&launched)).await;
        let rule = FirewallRule {
            protocol: Protocol::Tcp,
            ports: Ports::Range(8080, 8081),
            peer: Peer::Cidr([198, 51, 100, 0].into(), 24),
        };
        assert!(!interface(process).await.ingress.contains(&rule));
        let input = AuthorizeSecurityGroupIngressRequest {
            group_id: launched[0].security_groups.as_ref().unwrap()[0].group_id.clone(),
            ip_protocol: Some("tcp".into()),
            from_port: Some(8080),
            to_port: Some(8081),
            cidr_ip: Some("198.51.100.0/24".into()),
            ..Default::default()
        };
        process.services.ec2.authorize_security_group_ingress(process.root(), input).await.unwrap();
        process.until("the rule", async || interface(process).await.ingress.contains(&rule)).await;
        assert_eq!(process.counts(launched[0].instance_id.as_ref().unwrap()), (1, 0), "the machine is left alone");
    });
    process.kill();
}

#[test]
fn an_instance_s_metadata_says_who_and_where_it_is() {
    let world = World::in_memory();
    let process = world.start();
    process.run(async |process| {
        let input = RunInstancesRequest { user_data: Some("aGVsbG8=".into()), ..process.request().await };
        let launched = process.services.ec2.run_instances(process.root(), input).await.unwrap().instances.unwrap();
        let live = process.settle(&ids(&launched)).await;
        let (own, shown) = (interface(process).await, live.values().next().unwrap());
        let placement = shown.placement.as_ref().unwrap();
        let expected = [
            ("meta-data/instance-id", &shown.instance_id),
            ("meta-data/ami-id", &shown.image_id),
            ("meta-data/instance-type", &shown.instance_type),
            ("meta-data/local-ipv4", &shown.private_ip_address),
            ("meta-data/public-ipv4", &shown.public_ip_address),
            ("meta-data/local-hostname", &shown.private_dns_name),
            ("meta-data/public-hostname", &shown.public_dns_name),
            ("meta-data/placement/availability-zone", &placement.availability_zone),
        ];
        for (leaf, value) in expected {
            assert_eq!(own.metadata.leaves.get(leaf), value.as_ref(), "{leaf}");
            assert!(value.as_ref().is_some_and(|value| !value.is_empty()), "{leaf}");
        }
        assert_eq!(own.metadata.user_data.as_deref(), Some(b"hello".as_slice()));
        assert_eq!(Some(own.private_ip.to_string()), shown.private_ip_address);
    });
    process.kill();
}
