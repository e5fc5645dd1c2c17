//! Organizational units, and who stands below and above whom.
//! Source: <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganizationalUnit.html>.

use api::organizations::{
    Child, CreateOrganizationalUnit, CreateOrganizationalUnitRequest, CreateOrganizationalUnitResponse,
    DeleteOrganizationalUnit, DeleteOrganizationalUnitRequest, DescribeOrganizationalUnit,
    DescribeOrganizationalUnitRequest, DescribeOrganizationalUnitResponse, ListChildren, ListChildrenRequest,
    ListChildrenResponse, ListOrganizationalUnitsForParent, ListOrganizationalUnitsForParentRequest,
    ListOrganizationalUnitsForParentResponse, ListParents, ListParentsRequest, ListParentsResponse, Parent,
    UpdateOrganizationalUnit, UpdateOrganizationalUnitRequest, UpdateOrganizationalUnitResponse,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::organization::{allow_all, random_id};
use super::record::{OrganizationRecord, TargetRecord, UnitRecord};
use super::{Organizations, invalid, need, paging, refused, shown, tags, tree};
use crate::IamError;

/// Most units of an organization.
/// Source: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>.
const MAX_UNITS: usize = 2000;

pub(super) fn no_parent() -> IamError {
    refused("ParentNotFoundException", "You specified a parent that doesn't exist.")
}

fn check_name(
    view: &View,
    organization: &OrganizationRecord,
    parent: &str,
    name: &str,
    own: &str,
) -> Result<(), IamError> {
    let siblings = tree::units_below(view, &organization.id, parent)?;
    if siblings.iter().any(|unit| unit.name == name && unit.id != own) {
        let text = "An OU with the same name already exists.";
        return Err(refused("DuplicateOrganizationalUnitException", text));
    }
    Ok(())
}

impl Operation<Organizations> for CreateOrganizationalUnit {
    type Error = IamError;

    fn needs(input: &CreateOrganizationalUnitRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let needs = need::on("organizations:CreateOrganizationalUnit", &[&input.parent_id], view, scope)?;
        Ok(need::tagging(needs, input.tags.as_ref()))
    }

    fn apply(
        input: &CreateOrganizationalUnitRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateOrganizationalUnitResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        if !tree::is_parent(view, &organization, &input.parent_id)? {
            return Err(no_parent());
        }
        if tree::path(view, &organization, &input.parent_id)?.len() > tree::MAX_DEPTH {
            let text = "You have exceeded the number of levels of OUs that you can have in an organization.";
            return Err(refused("ConstraintViolationException", text));
        }
        if tree::all::<UnitRecord>(view, &organization.id)?.len() >= MAX_UNITS {
            let text = "You have exceeded the number of organizational units that you can have in an organization.";
            return Err(refused("ConstraintViolationException", text));
        }
        check_name(view, &organization, &input.parent_id, &input.name, "")?;
        let unit = UnitRecord {
            organization: organization.id.clone(),
            id: format!("ou-{}-{}", &organization.root[2..], random_id::<8>(cx)),
            parent: input.parent_id.clone(),
            name: input.name.clone(),
            tags: tags::merged(Vec::new(), input.tags.as_deref().unwrap_or_default())?,
        };
        let mut changes = Changes::new();
        changes.put(&unit)?;
        allow_all(&organization, unit.id.clone(), &mut changes)?;
        let organizational_unit = Some(shown::unit(view, &organization, &unit)?);
        Ok(Applied::with(CreateOrganizationalUnitResponse { organizational_unit }, changes))
    }
}

impl Operation<Organizations> for DescribeOrganizationalUnit {
    type Error = IamError;

    fn needs(input: &DescribeOrganizationalUnitRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:DescribeOrganizationalUnit", &[&input.organizational_unit_id], view, scope)
    }

    fn apply(
        input: &DescribeOrganizationalUnitRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeOrganizationalUnitResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let unit = tree::unit(view, &organization, &input.organizational_unit_id)?;
        let organizational_unit = Some(shown::unit(view, &organization, &unit)?);
        Ok(Applied::read(DescribeOrganizationalUnitResponse { organizational_unit }))
    }
}

impl Operation<Organizations> for UpdateOrganizationalUnit {
    type Error = IamError;

    fn needs(input: &UpdateOrganizationalUnitRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:UpdateOrganizationalUnit", &[&input.organizational_unit_id], view, scope)
    }

    fn apply(
        input: &UpdateOrganizationalUnitRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<UpdateOrganizationalUnitResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let mut unit = tree::unit(view, &organization, &input.organizational_unit_id)?;
        let mut changes = Changes::new();
        if let Some(name) = &input.name {
            check_name(view, &organization, &unit.parent, name, &unit.id)?;
            unit.name.clone_from(name);
            changes.put(&unit)?;
        }
        let organizational_unit = Some(shown::unit(view, &organization, &unit)?);
        Ok(Applied::with(UpdateOrganizationalUnitResponse { organizational_unit }, changes))
    }
}

impl Operation<Organizations> for DeleteOrganizationalUnit {
    type Error = IamError;

    fn needs(input: &DeleteOrganizationalUnitRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:DeleteOrganizationalUnit", &[&input.organizational_unit_id], view, scope)
    }

    fn apply(input: &DeleteOrganizationalUnitRequest, view: &View, cx: &Cx) -> Result<Applied<()>, IamError> {
        let organization = tree::managed(view, cx)?;
        let unit = tree::unit(view, &organization, &input.organizational_unit_id)?;
        let is_empty = tree::units_below(view, &organization.id, &unit.id)?.is_empty()
            && tree::members_below(view, &organization.id, &unit.id)?.is_empty();
        if !is_empty {
            let text = "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.";
            return Err(refused("OrganizationalUnitNotEmptyException", text));
        }
        let mut changes = Changes::new();
        let prefix = store::KeyPrefix::of((organization.id.clone(), unit.id.clone()));
        for target in view.scan::<TargetRecord>(&prefix, None, tree::MOST)? {
            changes.delete::<TargetRecord>(&(target.organization, target.target, target.policy));
        }
        changes.delete::<UnitRecord>(&(organization.id, unit.id));
        Ok(Applied::with((), changes))
    }
}

impl Operation<Organizations> for ListOrganizationalUnitsForParent {
    type Error = IamError;

    fn needs(
        input: &ListOrganizationalUnitsForParentRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListOrganizationalUnitsForParent", &[&input.parent_id], view, scope)
    }

    fn apply(
        input: &ListOrganizationalUnitsForParentRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ListOrganizationalUnitsForParentResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        if !tree::is_parent(view, &organization, &input.parent_id)? {
            return Err(no_parent());
        }
        let units = tree::units_below(view, &organization.id, &input.parent_id)?;
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListOrganizationalUnitsForParent", &input.parent_id];
        let (units, next_token) = paging::page(cx, &list, asked, units, |unit| unit.id.clone())?;
        let units = units.iter().map(|unit| shown::unit(view, &organization, unit)).collect::<Result<_, _>>()?;
        Ok(Applied::read(ListOrganizationalUnitsForParentResponse { organizational_units: Some(units), next_token }))
    }
}

impl Operation<Organizations> for ListChildren {
    type Error = IamError;

    fn needs(input: &ListChildrenRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListChildren", &[&input.parent_id], view, scope)
    }

    fn apply(input: &ListChildrenRequest, view: &View, cx: &Cx) -> Result<Applied<ListChildrenResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        if !tree::is_parent(view, &organization, &input.parent_id)? {
            return Err(no_parent());
        }
        let ids: Vec<String> = match input.child_type.as_str() {
            "ACCOUNT" => tree::members_below(view, &organization.id, &input.parent_id)?
                .into_iter()
                .map(|member| member.account.to_string())
                .collect(),
            "ORGANIZATIONAL_UNIT" => {
                tree::units_below(view, &organization.id, &input.parent_id)?.into_iter().map(|unit| unit.id).collect()
            }
            _ => return Err(invalid("You provided a value for ChildType that isn't valid.")),
        };
        let asked = (input.max_results, input.next_token.as_deref());
        let list = ["ListChildren", &input.parent_id, &input.child_type];
        let (ids, next_token) = paging::page(cx, &list, asked, ids, Clone::clone)?;
        let child = |id| Child { id: Some(id), r#type: Some(input.child_type.clone()) };
        Ok(Applied::read(ListChildrenResponse { children: Some(ids.into_iter().map(child).collect()), next_token }))
    }
}

impl Operation<Organizations> for ListParents {
    type Error = IamError;

    fn needs(input: &ListParentsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        need::on("organizations:ListParents", &[&input.child_id], view, scope)
    }

    fn apply(input: &ListParentsRequest, view: &View, cx: &Cx) -> Result<Applied<ListParentsResponse>, IamError> {
        let organization = tree::managed(view, cx)?;
        let parent = if input.child_id.starts_with("ou-") {
            tree::unit(view, &organization, &input.child_id).map(|unit| unit.parent)
        } else {
            tree::member(view, &organization, &input.child_id).map(|member| member.parent)
        };
        let parent = parent.map_err(|error| match error {
            IamError::Store(error) => IamError::Store(error),
            _ => refused("ChildNotFoundException", "You specified a child that doesn't exist."),
        })?;
        let kind = if parent.starts_with("r-") { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        let parents = vec![Parent { id: Some(parent), r#type: Some(kind.to_owned()) }];
        Ok(Applied::read(ListParentsResponse { parents: Some(parents), next_token: None }))
    }
}
