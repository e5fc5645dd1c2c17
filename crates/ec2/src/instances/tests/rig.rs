//! A region small enough for a test.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use api::ec2::{
    DescribeInstancesRequest, Ec2Api, Instance, Reservation, RunInstancesRequest, TerminateInstancesRequest,
};
use api::{Call, Caller, Principal};
use host_sim::{Faults, SimMachines, SimNetworks};
use ids::{AccountId, SecurityGroupId, SecurityGroupRuleId, SubnetId, VpcId};
use node::Agent;
use service::{Effects, Reconciler, RegionFacts, Runner, ZoneFacts};
use store::{Changes, Store};
use testkit::FixedEffects;
use tokio::sync::Notify;
use wire::ServiceError;

use crate::images::{BuiltinImage, ImageSource, register_builtin};
use crate::key_pairs::record::KeyPairRecord;
use crate::network::record::{SubnetRecord, VpcRecord};
use crate::security_groups::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use crate::{Ec2, InstanceReconciler};

pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) ec2: Ec2,
    pub(crate) machines: Arc<SimMachines>,
    pub(crate) networks: Arc<SimNetworks>,
    pub(crate) effects: Arc<FixedEffects>,
    pub(crate) reconciler: InstanceReconciler,
    pub(crate) image: String,
}

pub(crate) const SMALL_SUBNET: u8 = 28;

pub(crate) fn account(number: u8) -> AccountId {
    format!("11111111111{number}").parse().unwrap()
}

pub(crate) fn vpc(account: u8) -> VpcId {
    VpcId::from_random([account; 8])
}

pub(crate) fn subnet(number: u8) -> SubnetId {
    SubnetId::from_random([number; 8])
}

pub(crate) fn group(account: u8) -> SecurityGroupId {
    SecurityGroupId::from_random([account; 8])
}

pub(crate) fn root(number: u8) -> Call {
    call(Caller::root(account(number), "AKIATEST"))
}

pub(crate) fn user(number: u8) -> Call {
    let principal = Principal::User { name: "ann".into(), path: "/".into(), id: "AIDATEST".into() };
    call(Caller { account: Some(account(number)), principal, access_key: None, session: None })
}

fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "test".into(),
        source_ip: None,
        is_secure: true,
        user_agent: String::new(),
        manner: Arc::default(),
        region: "us-east-1".into(),
        verdicts: api::Verdicts::default(),
    }
}

impl Rig {
    /// A region with two accounts, 1 and 2, each with a default VPC: subnet 1 (or 2) in the first zone, 11 (or 12)
    /// without public addresses and with room for eleven instances in the second.
    pub(crate) async fn new() -> Self {
        let store = testkit::store();
        let faults = Faults::default();
        let machines = Arc::new(SimMachines::in_memory(faults.clone()));
        let networks = Arc::new(SimNetworks::in_memory(faults));
        let agent = Arc::new(Agent::new(machines.clone(), networks.clone()));
        let effects = Arc::new(FixedEffects::default());
        let zone =
            |letter: &str, number: u8| ZoneFacts { name: format!("us-east-1{letter}"), id: format!("use1-az{number}") };
        let region = Arc::new(RegionFacts {
            name: "us-east-1".into(),
            zones: vec![zone("a", 1), zone("b", 2)],
            endpoint: "localhost:1".into(),
            public_pool: (Ipv4Addr::new(203, 0, 113, 0), 24),
        });
        let runner = Runner::new(
            store.clone(),
            region.clone(),
            effects.clone(),
            Arc::new(iam::PolicyAuthorizer::new(&store, effects.clone())),
        );
        let ec2 = Ec2::new(runner.clone(), agent.clone(), Arc::new(iam::Iam::new(runner)));
        let reconciler = InstanceReconciler::new(store.clone(), agent, effects.clone(), region);
        let source = ImageSource {
            kernel: Some("vmlinuz".into()),
            initrd: Some("initrd".into()),
            command_line: "console=ttyS0".into(),
            root: Some("root.raw".into()),
            root_bytes: 1 << 28,
        };
        let (name, architecture) = ("welkin-tiny".into(), "x86_64".into());
        let image = BuiltinImage { name, description: "tiny".into(), architecture, source };
        let mut changes = register_builtin(&store.view().unwrap(), &image, effects.now()).unwrap();
        for number in [1, 2] {
            changes.merge(network(number));
        }
        store.commit(None, changes).await.unwrap();
        Self { store, ec2, machines, networks, effects, reconciler, image: image.id().to_string() }
    }

    /// A request for one instance.
    pub(crate) fn request(&self) -> RunInstancesRequest {
        RunInstancesRequest {
            image_id: Some(self.image.clone()),
            instance_type: Some("t3.nano".into()),
            min_count: 1,
            max_count: 1,
            ..RunInstancesRequest::default()
        }
    }

    pub(crate) async fn launch(&self, call: Call, input: RunInstancesRequest) -> Result<Reservation, ServiceError> {
        self.ec2.run_instances(call, input).await
    }

    /// Launches one instance as root of account 1.
    pub(crate) async fn launch_one(&self, input: RunInstancesRequest) -> Instance {
        self.launch(root(1), input).await.unwrap().instances.unwrap().remove(0)
    }

    pub(crate) async fn terminate(&self, call: Call, id: &str) -> Result<(), ServiceError> {
        let input = TerminateInstancesRequest { instance_ids: vec![id.to_owned()], ..Default::default() };
        self.ec2.terminate_instances(call, input).await.map(drop)
    }

    /// All instances that an account sees.
    pub(crate) async fn instances(&self, call: Call) -> Vec<Instance> {
        let found = self.ec2.describe_instances(call, DescribeInstancesRequest::default()).await.unwrap();
        found.reservations.unwrap().into_iter().flat_map(|one| one.instances.unwrap()).collect()
    }

    /// One instance of account 1.
    pub(crate) async fn instance(&self, id: &str) -> Instance {
        let input = DescribeInstancesRequest { instance_ids: Some(vec![id.to_owned()]), ..Default::default() };
        let found = self.ec2.describe_instances(root(1), input).await.unwrap();
        found.reservations.unwrap().remove(0).instances.unwrap().remove(0)
    }

    /// Activates the reconciler whenever it is woken, until the instance is in this state.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Instance {
        self.reconcile_until(async || {
            let instance = self.instance(id).await;
            (state_of(&instance) == state).then_some(instance)
        })
        .await
    }

    /// Activates the reconciler whenever it is woken, until `look` finds what it looks for.
    pub(crate) async fn reconcile_until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let bell = Arc::new(Notify::new());
        let mut listeners = tokio::task::JoinSet::new();
        for mut signal in self.reconciler.signals() {
            let bell = bell.clone();
            signal.mark_changed();
            listeners.spawn(async move {
                while signal.changed().await.is_ok() {
                    bell.notify_one();
                }
            });
        }
        let work = async {
            loop {
                // Effects that no report shows, such as a reset, wake nobody: look at them again and again.
                if tokio::time::timeout(Duration::from_millis(5), bell.notified()).await.is_ok() {
                    // A node that has not looked at its host yet says so, and wakes us when it has.
                    let _ = self.reconciler.activate().await;
                }
                if let Some(found) = look().await {
                    return found;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), work).await.expect("what the test waits for comes")
    }
}

pub(crate) fn state_of(instance: &Instance) -> &str {
    instance.state.as_ref().unwrap().name.as_deref().unwrap()
}

fn network(number: u8) -> Changes {
    let mut changes = Changes::new();
    let account = account(number);
    changes
        .put(&VpcRecord {
            account: account.clone(),
            id: vpc(number),
            cidr: (Ipv4Addr::new(172, 31, 0, 0), 16),
            is_default: true,
            dhcp_options: "dopt-1".into(),
        })
        .unwrap();
    for (id, zone, base, length, maps_public_ip) in [
        (number, "us-east-1a", Ipv4Addr::new(172, 31, 0, 0), 20, true),
        (number + 10, "us-east-1b", Ipv4Addr::new(172, 31, 16, 0), SMALL_SUBNET, false),
    ] {
        let (id, zone, vpc, account) = (subnet(id), zone.to_owned(), vpc(number), account.clone());
        let record = SubnetRecord { account, id, vpc, zone, cidr: (base, length), is_default: true, maps_public_ip };
        changes.put(&record).unwrap();
    }
    let rule = |is_egress, protocol: &str, port, peer, last| RuleRecord {
        id: SecurityGroupRuleId::from_random([last; 8]),
        is_egress,
        protocol: protocol.to_owned(),
        from_port: port,
        to_port: port,
        peer,
        description: None,
    };
    let rules = vec![
        rule(false, "-1", -1, RulePeer::Group(group(number)), 1),
        rule(false, "tcp", 22, RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0), 2),
        rule(true, "-1", -1, RulePeer::Ipv4(Ipv4Addr::UNSPECIFIED, 0), 3),
        rule(true, "-1", -1, RulePeer::Ipv6("::/0".into()), 4),
    ];
    let (id, name, description) = (group(number), "default".to_owned(), String::new());
    let own = SecurityGroupRecord { account: account.clone(), id, vpc: vpc(number), name, description, rules };
    changes.put(&own).unwrap();
    changes
        .put(&KeyPairRecord {
            account,
            name: "mine".into(),
            id: ids::KeyPairId::from_random([number; 8]),
            key_type: "ed25519".into(),
            fingerprint: String::new(),
            public_openssh: "ssh-ed25519 AAAA".into(),
            created: FixedEffects::default().now(),
        })
        .unwrap();
    changes
}
