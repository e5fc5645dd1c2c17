//! MFA devices through the service.

use api::iam::{
    CreateVirtualMFADeviceRequest, DeactivateMFADeviceRequest, DeleteVirtualMFADeviceRequest, EnableMFADeviceRequest,
    GetMFADeviceRequest, IamApi, ListMFADeviceTagsRequest, ListMFADevicesRequest, ListVirtualMFADevicesRequest,
    ResyncMFADeviceRequest, Tag, TagMFADeviceRequest, UntagMFADeviceRequest,
};
use jiff::Timestamp;
use service::Directory;
use store::Changes;
use wire::ServiceError;

use super::fixture::{Fixture, ours, refusal, theirs};
use super::passwords::with_user;
use crate::UserRecord;
use crate::mfa::{check_code, code_at};
use crate::principals::Principals;

/// A new device: its serial number and its seed.
async fn create(fixture: &Fixture, name: &str) -> (String, String) {
    let input = CreateVirtualMFADeviceRequest {
        path: None,
        virtual_mfa_device_name: name.into(),
        tags: Some(vec![Tag { key: "Team".into(), value: "blue".into() }]),
    };
    let device = fixture.iam.create_virtual_mfa_device(ours(), input).await.unwrap().virtual_mfa_device;
    let seed = String::from_utf8(device.base32_string_seed.unwrap().to_vec()).unwrap();
    assert!(device.qr_code_png.unwrap().starts_with(b"\x89PNG"));
    assert_eq!(seed.len(), 64);
    (device.serial_number, seed)
}

/// The code that a device shows so many steps from now.
pub(super) fn code(fixture: &Fixture, seed: &str, steps: i64) -> String {
    let second = fixture.now().as_second() + 30 * steps;
    code_at(seed, Timestamp::from_second(second).unwrap())
}

async fn enable(
    fixture: &Fixture,
    user: &str,
    device: &(String, String),
    steps: (i64, i64),
) -> Result<(), ServiceError> {
    let input = EnableMFADeviceRequest {
        user_name: user.into(),
        serial_number: device.0.clone(),
        authentication_code1: code(fixture, &device.1, steps.0),
        authentication_code2: code(fixture, &device.1, steps.1),
    };
    fixture.iam.enable_mfa_device(ours(), input).await.map(drop)
}

/// A device of the user, enabled with codes of the past, so that the present one is still good.
pub(super) async fn enabled(fixture: &Fixture, user: &str, name: &str) -> (String, String) {
    let device = create(fixture, name).await;
    enable(fixture, user, &device, (-3, -2)).await.unwrap();
    device
}

async fn check(fixture: &Fixture, user: &UserRecord, serial: &str, code: &str) -> Result<(), String> {
    let view = fixture.store.view().unwrap();
    let mut changes = Changes::new();
    let checked = check_code(&view, &mut changes, user, serial, code, fixture.now());
    fixture.store.commit(Some(&view), changes).await.unwrap();
    checked.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_device_is_made_enabled_and_given_up() {
    let fixture = Fixture::new().await;
    let ann = with_user(&fixture, "ann").await;
    let device = create(&fixture, "phone").await;
    assert_eq!(device.0, "arn:aws:iam::111111111111:mfa/phone");
    assert_eq!(fixture.needs_text(), ["iam:CreateVirtualMFADevice arn:aws:iam::111111111111:mfa/phone"]);
    let again = CreateVirtualMFADeviceRequest { virtual_mfa_device_name: "phone".into(), ..Default::default() };
    let again = refusal(fixture.iam.create_virtual_mfa_device(ours(), again).await);
    assert_eq!(again.1, "MFA device already exists.");

    for steps in [(0, 0), (1, 0), (-1, 1), (30, 31), (-31, -30)] {
        let (code, text) = refusal(enable(&fixture, "ann", &device, steps).await);
        assert_eq!(
            (code.as_str(), text.as_str()),
            ("InvalidAuthenticationCode", "Authentication code for device is not valid.")
        );
    }
    assert!(check(&fixture, &ann, &device.0, &code(&fixture, &device.1, 0)).await.is_err(), "not hers yet");
    enable(&fixture, "ann", &device, (-1, 0)).await.unwrap();
    assert_eq!(refusal(enable(&fixture, "ann", &device, (1, 2)).await).0, "EntityAlreadyExists");

    let listed = fixture.iam.list_mfa_devices(fixture.user("ann"), ListMFADevicesRequest::default()).await.unwrap();
    assert_eq!(listed.mfa_devices[0].serial_number, device.0);
    assert_eq!(listed.mfa_devices[0].enable_date, fixture.now());
    let get = GetMFADeviceRequest { serial_number: device.0.clone(), user_name: None };
    assert_eq!(fixture.iam.get_mfa_device(ours(), get.clone()).await.unwrap().user_name.as_deref(), Some("ann"));
    assert_eq!(refusal(fixture.iam.get_mfa_device(theirs(), get).await).0, "NoSuchEntity");

    let delete = || DeleteVirtualMFADeviceRequest { serial_number: device.0.clone() };
    let (code, text) = refusal(fixture.iam.delete_virtual_mfa_device(ours(), delete()).await);
    assert_eq!((code.as_str(), text.as_str()), ("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."));
    let deactivate = || DeactivateMFADeviceRequest { user_name: Some("ann".into()), serial_number: device.0.clone() };
    fixture.iam.deactivate_mfa_device(ours(), deactivate()).await.unwrap();
    assert_eq!(refusal(fixture.iam.deactivate_mfa_device(ours(), deactivate()).await).0, "NoSuchEntity");
    fixture.iam.delete_virtual_mfa_device(ours(), delete()).await.unwrap();
    assert_eq!(refusal(fixture.iam.delete_virtual_mfa_device(ours(), delete()).await).0, "NoSuchEntity");
}

#[tokio::test]
async fn a_code_is_good_once_and_only_in_its_time() {
    let fixture = Fixture::new().await;
    let (bob, eve) = (with_user(&fixture, "bob").await, with_user(&fixture, "eve").await);
    let (serial, seed) = enabled(&fixture, "bob", "once").await;
    let now = code(&fixture, &seed, 0);
    assert!(check(&fixture, &eve, &serial, &now).await.unwrap_err().contains("associated with this user"));
    let wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
    assert_eq!(check(&fixture, &bob, &serial, &code(&fixture, &seed, 2)).await.unwrap_err(), wrong, "too early");
    assert_eq!(check(&fixture, &bob, &serial, &code(&fixture, &seed, -2)).await.unwrap_err(), wrong, "too late");
    check(&fixture, &bob, &serial, &now).await.unwrap();
    assert_eq!(check(&fixture, &bob, &serial, &now).await.unwrap_err(), wrong, "again");
    assert_eq!(check(&fixture, &bob, &serial, &code(&fixture, &seed, -1)).await.unwrap_err(), wrong, "an earlier one");
    check(&fixture, &bob, &serial, &code(&fixture, &seed, 1)).await.unwrap();
}

#[tokio::test]
async fn guesses_at_a_code_are_slowed_down() {
    let fixture = Fixture::new().await;
    let bob = with_user(&fixture, "bob").await;
    let (serial, seed) = enabled(&fixture, "bob", "guessed").await;
    for _ in 0..5 {
        assert!(check(&fixture, &bob, &serial, "no").await.is_err());
    }
    assert!(check(&fixture, &bob, &serial, &code(&fixture, &seed, 0)).await.is_err(), "right, and not looked at");
    fixture.advance(std::time::Duration::from_secs(30));
    check(&fixture, &bob, &serial, &code(&fixture, &seed, 0)).await.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_off_is_synchronised() {
    let fixture = Fixture::new().await;
    let bob = with_user(&fixture, "bob").await;
    let (serial, seed) = enabled(&fixture, "bob", "late").await;
    assert!(check(&fixture, &bob, &serial, &code(&fixture, &seed, 50)).await.is_err());
    let resync = |steps: i64| ResyncMFADeviceRequest {
        user_name: "bob".into(),
        serial_number: serial.clone(),
        authentication_code1: code(&fixture, &seed, steps),
        authentication_code2: code(&fixture, &seed, steps + 1),
    };
    assert_eq!(refusal(fixture.iam.resync_mfa_device(ours(), resync(200)).await).0, "InvalidAuthenticationCode");
    fixture.iam.resync_mfa_device(ours(), resync(49)).await.unwrap();
    check(&fixture, &bob, &serial, &code(&fixture, &seed, 51)).await.unwrap();
    assert!(check(&fixture, &bob, &serial, &code(&fixture, &seed, 0)).await.is_err());
}

#[tokio::test]
async fn devices_are_listed_by_who_has_them_and_a_user_has_eight_at_most() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "bob").await;
    for number in 0..8 {
        enabled(&fixture, "bob", &format!("d{number}")).await;
    }
    let last = create(&fixture, "d8").await;
    let (code, text) = refusal(enable(&fixture, "bob", &last, (-1, 0)).await);
    assert_eq!((code.as_str(), text.as_str()), ("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8"));
    for (status, count) in [(None, 9), (Some("Any"), 9), (Some("Assigned"), 8), (Some("Unassigned"), 1)] {
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let input = ListVirtualMFADevicesRequest {
                assignment_status: status.map(str::to_owned),
                marker: marker.take(),
                max_items: Some(3),
            };
            let page = fixture.iam.list_virtual_mfa_devices(ours(), input).await.unwrap();
            assert!(page.virtual_mfa_devices.iter().all(|device| device.base32_string_seed.is_none()), "shown once");
            seen.extend(page.virtual_mfa_devices);
            if page.is_truncated == Some(false) {
                break;
            }
            marker = page.marker;
        }
        assert_eq!(seen.len(), count, "{status:?}");
        assert_eq!(
            seen.iter().filter(|device| device.user.is_some()).count(),
            count - usize::from(status.is_none_or(|status| status != "Assigned"))
        );
    }
}

#[tokio::test]
async fn devices_have_tags() {
    let fixture = Fixture::new().await;
    let (serial, _) = create(&fixture, "tagged").await;
    let tag = |key: &str| Tag { key: key.into(), value: "x".into() };
    let input = TagMFADeviceRequest { serial_number: serial.clone(), tags: vec![tag("a"), tag("b")] };
    fixture.iam.tag_mfa_device(ours(), input).await.unwrap();
    assert!(fixture.context().contains(&"aws:ResourceTag/Team=blue".to_owned()), "{:?}", fixture.context());
    let input = UntagMFADeviceRequest { serial_number: serial.clone(), tag_keys: vec!["a".into()] };
    fixture.iam.untag_mfa_device(ours(), input).await.unwrap();
    assert!(fixture.context().contains(&"aws:TagKeys=a".to_owned()), "{:?}", fixture.context());
    let input = ListMFADeviceTagsRequest { serial_number: serial, ..Default::default() };
    let tags = fixture.iam.list_mfa_device_tags(ours(), input).await.unwrap().tags;
    let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    assert_eq!(keys, ["Team", "b"]);
}

#[tokio::test]
async fn a_root_user_has_devices_of_its_own() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    let device = create(&fixture, "root-account-mfa-device").await;
    let root = ours().caller.account.unwrap();
    let by_ann = EnableMFADeviceRequest {
        user_name: root.to_string(),
        serial_number: device.0.clone(),
        authentication_code1: code(&fixture, &device.1, -3),
        authentication_code2: code(&fixture, &device.1, -2),
    };
    assert_eq!(refusal(fixture.iam.enable_mfa_device(fixture.user("ann"), by_ann).await).0, "NoSuchEntity");
    enable(&fixture, root.as_str(), &device, (-3, -2)).await.unwrap();
    let listed = fixture.iam.list_virtual_mfa_devices(ours(), ListVirtualMFADevicesRequest::default()).await.unwrap();
    let holder = listed.virtual_mfa_devices[0].user.clone().unwrap();
    assert_eq!((holder.user_id, holder.arn), (root.to_string(), format!("arn:aws:iam::{root}:root")));
    let summary = fixture.iam.get_account_summary(ours(), ()).await.unwrap().summary_map.unwrap();
    assert_eq!(summary["AccountMFAEnabled"], 1);
    let shows = async |account: &ids::AccountId, code: &str| {
        let view = fixture.store.view().unwrap();
        let mut changes = Changes::new();
        let shown = Principals.root_shows(&view, &mut changes, account, (&device.0, code), fixture.now()).unwrap();
        fixture.store.commit(Some(&view), changes).await.unwrap();
        shown
    };
    let now = code(&fixture, &device.1, 0);
    assert!(!shows(&theirs().caller.account.unwrap(), &now).await);
    assert!(shows(&root, &now).await);
    assert!(!shows(&root, &now).await, "a code is good once");
    let deactivate = DeactivateMFADeviceRequest { user_name: Some(root.to_string()), serial_number: device.0.clone() };
    fixture.iam.deactivate_mfa_device(ours(), deactivate).await.unwrap();
    assert!(!shows(&root, &code(&fixture, &device.1, 1)).await);
}
