//! Names that follow: a pull secret or ServiceAccount that the build renames is renamed where it is referred to.

use super::config::Config;
use super::field::FieldSpec;
use super::patch::StepError;
use super::resource::{Former, Resource, Resources, group_version};
use super::value::Value;

/// Updates every reference that the configuration knows of.
///
/// # Errors
/// A reference that could mean several resources with different names.
pub fn follow(resources: &mut Resources, config: &Config) -> Result<(), StepError> {
    if resources.iter().all(|resource| resource.former.is_empty()) {
        return Ok(());
    }
    for at in 0..resources.len() {
        for references in &config.references {
            for field in &references.fields {
                if is_for(field, resources.get(at)) {
                    update(resources, at, field, &references.target)?;
                }
            }
        }
    }
    Ok(())
}

fn is_for(field: &FieldSpec, resource: &Resource) -> bool {
    let (group, version) = group_version(resource.api_version());
    field.applies_to(group, version, resource.original().0)
}

fn update(
    resources: &mut Resources,
    at: usize,
    field: &FieldSpec,
    target: &FieldSpec,
) -> Result<(), StepError> {
    let mut names = Vec::new();
    let mut object = resources.get(at).object.clone();
    let note = &mut |value: &mut Value| {
        collect(value, &mut |name| names.push(name.to_owned()));
        Ok(())
    };
    field.visit(&mut object, false, note)?;
    let mut changes = Vec::new();
    for name in names {
        if let Some(found) = referral(resources, at, &name, target)? {
            let found = resources.get(found);
            let known = found.generated.is_none_or(|generated| generated.known || !generated.hash);
            let value = if known { Value::text(found.name()) } else { Value::Null };
            if value.as_str() != Some(&name) {
                changes.push((name, value));
            }
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let write = &mut |value: &mut Value| {
        replace(value, &changes);
        Ok(())
    };
    field.visit(&mut resources.get_mut(at).object, false, write)?;
    Ok(())
}

/// Names at the end of a path: a text, a list of texts, or mappings with a `name`.
fn collect(value: &Value, note: &mut dyn FnMut(&str)) {
    match value {
        Value::Scalar(text, _) => note(text),
        Value::Map(_) => value.str_at("name").into_iter().for_each(note),
        Value::List(items) => {
            for item in items.iter() {
                item.as_str().or_else(|| item.str_at("name")).into_iter().for_each(&mut *note);
            }
        }
        Value::Null => {}
    }
}

fn replace(value: &mut Value, changes: &[(String, Value)]) {
    let new = |old: &str| changes.iter().find(|(name, _)| name == old).map(|(_, new)| new.clone());
    match value {
        Value::Scalar(text, _) => {
            if let Some(new) = new(text) {
                *value = new;
            }
        }
        Value::Map(_) => {
            if let Some(new) = value.str_at("name").and_then(new) {
                value.set("name", new);
            }
        }
        Value::List(_) => value.items_mut().into_iter().flatten().for_each(|item| {
            if !matches!(item, Value::List(_)) {
                replace(item, changes);
            }
        }),
        Value::Null => {}
    }
}

/// The resource that a name of a referrer means.
fn referral(
    resources: &mut Resources,
    at: usize,
    name: &str,
    target: &FieldSpec,
) -> Result<Option<usize>, StepError> {
    let candidates = resources.named(name).to_vec();
    let referrer = resources.get(at);
    let cluster = referrer.is_cluster_scoped();
    let namespace = referrer.effective_namespace();
    let meant = |&candidate: &usize| {
        let candidate = resources.get(candidate);
        let (group, version) = group_version(candidate.api_version());
        let near = cluster || candidate.is_cluster_scoped() || candidate.effective_namespace() == namespace;
        let of_kind = |former: &Former| target.applies_to(group, version, &former.kind);
        near && candidate.former.iter().any(|former| *former.name == *name)
            && candidate.former.iter().any(of_kind)
    };
    let mut found: Vec<usize> = candidates.into_iter().filter(meant).collect();
    let related = |empty: bool| {
        move |candidate: &Resource| {
            let fits = |mine: &[String], theirs: &[String]| {
                empty && (mine.is_empty() || theirs.is_empty()) || end_alike(mine, theirs)
            };
            fits(&candidate.affixes.0, &referrer.affixes.0) && fits(&candidate.affixes.1, &referrer.affixes.1)
        }
    };
    for empty in [true, false] {
        if found.len() > 1 {
            found.retain(|&candidate| related(empty)(resources.get(candidate)));
        }
    }
    let Some(&first) = found.first() else { return Ok(None) };
    let new = resources.get(first).name();
    if found.iter().all(|&other| resources.get(other).name() == new) {
        return Ok(Some(first));
    }
    let (kind, owner) = (&target.kind, referrer.name());
    Err(StepError::Other(format!(
        "`{name}` in `{owner}` could be any of several {kind} objects of the build"
    )))
}

/// Whether one list is how the other ends; an empty one is only like another empty one.
fn end_alike(left: &[String], right: &[String]) -> bool {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
