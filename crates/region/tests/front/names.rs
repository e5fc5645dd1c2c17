//! What members of IAM, STS and Organizations are called in a walk's requests: what is there, or what can be made.

use crate::identity::{ACCESS_KEY, DOCUMENT, GROUP, INLINE, POLICY, PROFILE, ROLE, USER};

/// The value of a member of an operation, if it is one that more is asked of than a text.
pub fn of_identity(operation: &str, member: &str, account: &str) -> Option<String> {
    let arn = |kind: &str, name: &str| format!("arn:aws:iam::{account}:{kind}/{name}");
    let is_new = |kind: &str| operation == format!("Create{kind}");
    let either = |kind: &str, name: &str| if is_new(kind) { "walk-new".to_owned() } else { name.to_owned() };
    Some(match member {
        "UserName" => either("User", USER),
        "GroupName" => either("Group", GROUP),
        "RoleName" => either("Role", ROLE),
        "InstanceProfileName" => either("InstanceProfile", PROFILE),
        "PolicyName" => either("Policy", INLINE),
        "PolicyArn" | "PolicySourceArn" | "PermissionsBoundary" => arn("policy", POLICY),
        "PolicyDocument" => DOCUMENT.to_owned(),
        "AssumeRolePolicyDocument" => crate::identity::trust(&account.parse().ok()?),
        "PolicyInputList" => DOCUMENT.to_owned(),
        "ActionNames" => "s3:GetObject".to_owned(),
        "ServiceNamespaces" => "s3".to_owned(),
        "VersionId" => "v2".to_owned(),
        "AccessKeyId" => ACCESS_KEY.to_owned(),
        "SerialNumber" if operation.contains("MFA") => arn("mfa", "walk-device"),
        "AuthenticationCode1" | "AuthenticationCode2" => "123456".to_owned(),
        "VirtualMFADeviceName" => "walk-device".to_owned(),
        "RoleArn" => arn("role", ROLE),
        "Arn" | "EntityArn" => arn("user", USER),
        "PrincipalArn" => arn("provider", "walk"),
        "OpenIDConnectProviderArn" => arn("oidc-provider", "walk.example.com"),
        "SAMLProviderArn" => arn("saml-provider", "walk"),
        "Url" => "https://walk.example.com".to_owned(),
        "ThumbprintList" => "0".repeat(40),
        "Password" | "NewPassword" | "OldPassword" => "Walk-pass-1234!".to_owned(),
        "ServiceName" => "codecommit.amazonaws.com".to_owned(),
        "AWSServiceName" => "autoscaling.amazonaws.com".to_owned(),
        "AccountId" | "TargetId" | "ChildId" => account.to_owned(),
        "RootId" => "r-walk".to_owned(),
        "ParentId" | "SourceParentId" | "DestinationParentId" => "r-walk".to_owned(),
        "HandshakeId" => "h-walkwalkwalk".to_owned(),
        "OrganizationalUnitId" => "ou-walk-walkwalk".to_owned(),
        "PolicyId" => "p-walkwalk".to_owned(),
        "CreateAccountRequestId" => "car-walkwalkwalkwalkwalkwalkwalkwalk".to_owned(),
        "ResourceId" => "p-walkwalk".to_owned(),
        "Email" => "walk@example.com".to_owned(),
        "Content" => DOCUMENT.to_owned(),
        _ => return None,
    })
}
