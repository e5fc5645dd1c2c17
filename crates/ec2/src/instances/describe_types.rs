//! `ec2:DescribeInstanceTypes`: what is true of the instance types here. What AWS's hardware has and this has not
//! (EBS, ENA, CPU credits, placement groups) is denied or left out.

use api::ec2::{
    DescribeInstanceTypes, DescribeInstanceTypesRequest, DescribeInstanceTypesResult, InstanceTypeInfo, MemoryInfo,
    NetworkInfo, ProcessorInfo, VCpuInfo,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::View;

use super::types::{self, InstanceType};
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::paging::Page;
use crate::text::yes_no;
use crate::{Ec2, Ec2Error};

const FILTERS: &[&str] = &[
    "bare-metal",
    "burstable-performance-supported",
    "current-generation",
    "hibernation-supported",
    "instance-storage-supported",
    "instance-type",
    "memory-info.size-in-mib",
    "network-info.ena-support",
    "network-info.ipv6-supported",
    "processor-info.supported-architecture",
    "supported-root-device-type",
    "supported-usage-class",
    "supported-virtualization-type",
    "vcpu-info.default-cores",
    "vcpu-info.default-threads-per-core",
    "vcpu-info.default-vcpus",
];

impl Operation<Ec2> for DescribeInstanceTypes {
    type Error = Ec2Error;

    fn needs(_input: &DescribeInstanceTypesRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeInstanceTypes")])
    }

    fn apply(
        input: &DescribeInstanceTypesRequest,
        _view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeInstanceTypesResult>, Ec2Error> {
        let filters = Filters::read(input.filters.as_ref(), FILTERS)?;
        let named = input.instance_types.as_deref().unwrap_or_default();
        let page = Page::read(
            cx.pages(),
            "DescribeInstanceTypes",
            &input.filters,
            input.max_results,
            input.next_token.as_deref(),
            !named.is_empty(),
        )?;
        let unknown: Vec<&str> = named.iter().map(String::as_str).filter(|name| types::find(name).is_none()).collect();
        if !unknown.is_empty() {
            let text = format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
            return Err(Ec2Error::refused("InvalidInstanceType", text));
        }
        let found = types::ALL
            .iter()
            .filter(|known| named.is_empty() || named.iter().any(|name| name == known.name))
            .filter(|known| filters.matches(*known))
            .collect();
        let (found, next_token) = page.cut(found, |known| known.name.to_owned());
        let instance_types = Some(found.into_iter().map(shown).collect());
        Ok(Applied::read(DescribeInstanceTypesResult { instance_types, next_token }))
    }
}

fn shown(known: &InstanceType) -> InstanceTypeInfo {
    let vcpus = i32::from(known.vcpus);
    InstanceTypeInfo {
        instance_type: Some(known.name.to_owned()),
        current_generation: Some(known.is_current),
        free_tier_eligible: Some(false),
        supported_usage_classes: Some(vec!["on-demand".to_owned()]),
        supported_root_device_types: Some(vec!["instance-store".to_owned()]),
        supported_virtualization_types: Some(vec!["hvm".to_owned()]),
        bare_metal: Some(false),
        processor_info: Some(ProcessorInfo {
            supported_architectures: Some(vec!["x86_64".to_owned()]),
            ..ProcessorInfo::default()
        }),
        v_cpu_info: Some(VCpuInfo {
            default_v_cpus: Some(vcpus),
            default_cores: Some(vcpus),
            default_threads_per_core: Some(1),
            ..VCpuInfo::default()
        }),
        memory_info: Some(MemoryInfo { size_in_mi_b: Some(i64::from(known.memory_mib)) }),
        instance_storage_supported: Some(false),
        network_info: Some(NetworkInfo {
            maximum_network_interfaces: Some(1),
            maximum_network_cards: Some(1),
            default_network_card_index: Some(0),
            ipv4_addresses_per_interface: Some(1),
            ipv6_addresses_per_interface: Some(0),
            ipv6_supported: Some(false),
            ena_support: Some("unsupported".to_owned()),
            efa_supported: Some(false),
            ..NetworkInfo::default()
        }),
        hibernation_supported: Some(false),
        burstable_performance_supported: Some(false),
        dedicated_hosts_supported: Some(false),
        auto_recovery_supported: Some(false),
        supported_boot_modes: Some(vec!["legacy-bios".to_owned()]),
        ..InstanceTypeInfo::default()
    }
}

impl Facts for InstanceType {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "current-generation" => yes_no(self.is_current),
            "instance-type" => self.name.to_owned(),
            "memory-info.size-in-mib" => self.memory_mib.to_string(),
            "network-info.ena-support" => "unsupported".to_owned(),
            "processor-info.supported-architecture" => "x86_64".to_owned(),
            "supported-root-device-type" => "instance-store".to_owned(),
            "supported-usage-class" => "on-demand".to_owned(),
            "supported-virtualization-type" => "hvm".to_owned(),
            "vcpu-info.default-cores" | "vcpu-info.default-vcpus" => self.vcpus.to_string(),
            "vcpu-info.default-threads-per-core" => "1".to_owned(),
            _ => yes_no(false),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &[]
    }
}
