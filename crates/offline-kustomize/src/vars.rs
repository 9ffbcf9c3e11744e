//! `vars`: `$(NAME)` in the fields that `configurations` name, replaced after everything else.
//!
//! The fields that kustomize replaces by itself (arguments, environment) are none of our business.

use super::config::Config;
use super::field;
use super::patch::StepError;
use super::resource::{Resources, group_version};
use super::value::Value;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Var {
    /// Its name.
    pub name: String,
    group: String,
    version: String,
    kind: String,
    object: String,
    namespace: String,
    path: String,
}

impl Var {
    /// Reads an entry.
    pub fn read(tree: &Value) -> Self {
        let object = |key| tree.at(&["objref", key]).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (mut group, mut version) = (object("group"), object("version"));
        match object("apiVersion").split('/').collect::<Vec<_>>()[..] {
            [only] if !only.is_empty() => only.clone_into(&mut version),
            [first, second] => {
                first.clone_into(&mut group);
                second.clone_into(&mut version);
            }
            _ => {}
        }
        let path = tree.at(&["fieldref", "fieldPath"]).or_else(|| tree.at(&["fieldref", "fieldpath"]));
        Self {
            name: tree.str_at("name").unwrap_or_default().to_owned(),
            group,
            version,
            kind: object("kind"),
            object: object("name"),
            namespace: object("namespace"),
            path: path.and_then(Value::as_str).unwrap_or("metadata.name").to_owned(),
        }
    }

    /// Marks the resource that a var reads from; that may be renamed later.
    ///
    /// # Errors
    /// Several resources fit.
    pub fn mark(&self, resources: &mut Resources) -> Result<(), StepError> {
        let found: Vec<usize> = resources.named(&self.object).to_vec();
        let effective = |namespace: &str| if namespace.is_empty() { "default" } else { namespace }.to_owned();
        let found: Vec<usize> = found
            .into_iter()
            .filter(|&at| {
                let resource = resources.get(at);
                let in_namespace = |namespace: &str| {
                    self.namespace.is_empty() && !resource.is_cluster_scoped()
                        || effective(&self.namespace) == effective(namespace)
                        || resource.is_cluster_scoped()
                };
                let is = |kind: &str, name: &str, namespace: &str| {
                    kind == self.kind && name == self.object && in_namespace(namespace)
                };
                group_version(resource.api_version()) == (self.group.as_str(), self.version.as_str())
                    && (is(resource.kind(), resource.name(), resource.effective_namespace())
                        || resource
                            .former
                            .iter()
                            .any(|former| is(&former.kind, &former.name, &former.namespace)))
            })
            .collect();
        match found[..] {
            [] => Ok(()),
            [at] => {
                resources.get_mut(at).vars.push(self.name.clone());
                Ok(())
            }
            _ => Err(StepError::Other(format!("several resources of the build fit the var `{}`", self.name))),
        }
    }
}

/// Replaces the vars in every field that the configuration names. Where one leads to something that cannot be known, the
/// resources that use it are marked as uncertain.
///
/// # Errors
/// A var that leads to nothing.
pub fn resolve(resources: &mut Resources, vars: &[Var], config: &Config) -> Result<(), StepError> {
    let mut values = Vec::new();
    let mut unknown = Vec::new();
    for var in vars {
        let missing = || StepError::Other(format!("the var `{}` leads to nothing", var.name));
        let source = resources.iter().find(|resource| resource.vars.contains(&var.name));
        if source.is_none() && resources.open.is_some() {
            unknown.push(format!("$({})", var.name));
            continue;
        }
        let source = source.ok_or_else(missing)?;
        let path = field::split_dotted(&var.path.replace('[', ".[").replace("..[", ".["));
        let path: Vec<String> = path.iter().map(|step| index(step)).collect();
        let value = field::lookup(&source.object, &path)?.ok_or_else(missing)?;
        values.push((var.name.as_str(), value.clone()));
    }
    if vars.is_empty() || config.vars.is_empty() {
        return Ok(());
    }
    let open = resources.open;
    for resource in resources.rename_all() {
        let (group, version) = group_version(resource.api_version());
        let (group, version, kind) = (group.to_owned(), version.to_owned(), resource.kind().to_owned());
        for spec in config.vars.iter().filter(|spec| spec.applies_to(&group, &version, &kind)) {
            let mut uncertain = false;
            spec.visit(&mut resource.object, false, &mut |value| {
                uncertain |= texts(value).any(|text| unknown.iter().any(|name| text.contains(name)));
                replace(value, &values);
                Ok(())
            })?;
            if uncertain {
                resource.uncertain = open;
            }
        }
    }
    Ok(())
}

/// `[0]` as an index.
fn index(step: &str) -> String {
    let inner = step.strip_prefix('[').and_then(|step| step.strip_suffix(']'));
    inner.filter(|inner| inner.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(step).to_owned()
}

/// The texts of a field that vars may stand in: itself, its values, its items.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let below = value.pairs().iter().map(|(_, value)| value).chain(value.items());
    value.as_str().into_iter().chain(below.filter_map(Value::as_str))
}

fn replace(value: &mut Value, values: &[(&str, Value)]) {
    match value {
        Value::Scalar(text, _) if text.contains('$') => *value = expand(text, values),
        Value::Map(_) => {
            let keys: Vec<_> =
                value.pairs().iter().filter(|(_, v)| v.as_str().is_some()).map(|(k, _)| k.clone()).collect();
            for key in keys {
                if let Some(value) = value.get_mut(&key) {
                    replace(value, values);
                }
            }
        }
        Value::List(_) => {
            let items = value.items_mut().into_iter().flatten();
            items.filter(|item| item.as_str().is_some()).for_each(|item| replace(item, values));
        }
        Value::Scalar(..) | Value::Null => {}
    }
}

/// `$(NAME)` is a reference, `$$` a dollar sign; unknown names stay.
fn expand(text: &str, values: &[(&str, Value)]) -> Value {
    let mut result = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        result.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        if let Some(more) = after.strip_prefix('$') {
            result.push('$');
            rest = more;
        } else if let Some((name, more)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            let found = values.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
            match found.and_then(Value::as_str) {
                Some(_) if text.len() == name.len() + 3 => return found.cloned().unwrap_or(Value::Null),
                Some(value) => result.push_str(value),
                None => result.push_str(&format!("$({name})")),
            }
            rest = more;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    Value::text(&result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand() {
        let values = [("A", Value::text("x")), ("N", Value::Scalar("3".into(), true))];
        for (text, expected) in
            [("$(A)-$(N)", "x-3"), ("$$(A)", "$(A)"), ("$(B)/$(A", "$(B)/$(A"), ("a$b$", "a$b$")]
        {
            assert_eq!(expand(text, &values), Value::text(expected), "{text}");
        }
        assert_eq!(expand("$(N)", &values), Value::Scalar("3".into(), true));
    }
}
