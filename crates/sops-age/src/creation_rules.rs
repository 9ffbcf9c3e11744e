//! `.sops.yaml`: which recipients and which options a new file gets.
//!
//! Pure: the caller finds the file and passes the path relative to its folder. Only age can be used; a matching rule that
//! asks for anything else is an error that says so, other rules are not looked into. Source: `config/config.go` of
//! getsops/sops.

use std::fmt;

use super::document::{Error, File};
use super::recipients::{Recipient, RecipientError};
use super::rules::{Pattern, Rules, RulesError};
use lossless_yaml::parse::Node;
use lossless_yaml::span::LineIndex;

/// Key services in a rule that we cannot use; the last stands in key groups.
const FOREIGN: [&str; 7] =
    ["kms", "pgp", "gcp_kms", "hckms", "azure_keyvault", "hc_vault_transit_uri", "hc_vault"];
/// How many key groups may be merged into one.
const MAX_MERGED: usize = 1_000;

/// What a new file gets.
#[derive(Clone, Debug, PartialEq)]
pub struct CreationRule {
    /// Who can decrypt it, each once, in order.
    pub recipients: Vec<Recipient>,
    /// What is encrypted.
    pub rules: Rules,
    /// Where the rule stands in `.sops.yaml`, from 1.
    pub line: usize,
}

/// What is wrong with `.sops.yaml`, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationRuleError {
    /// Line, from 1; none where no rule is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: CreationRuleProblem,
}

/// What is wrong with `.sops.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreationRuleProblem {
    /// No YAML.
    Yaml(String),
    /// Not of the shape that sops expects; the key.
    Shape(&'static str),
    /// There are rules and none matches the path.
    NoMatch(String),
    /// The matching rule asks for another key service.
    Foreign(&'static str),
    /// The matching rule splits the data key between groups.
    KeyGroups,
    /// The matching rule has no age recipient.
    NoRecipient,
    /// A recipient of the matching rule cannot be used.
    Recipient(RecipientError),
    /// Options or expressions cannot be used.
    Rules(RulesError),
}

impl fmt::Display for CreationRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match &self.problem {
            CreationRuleProblem::Yaml(reason) => f.write_str(reason),
            CreationRuleProblem::Shape(key) => write!(f, "`{key}` is not of the shape that sops expects"),
            CreationRuleProblem::NoMatch(path) => write!(f, "no creation rule matches `{path}`"),
            CreationRuleProblem::Foreign(service) => {
                write!(f, "the creation rule asks for `{service}`; only age recipients can be used")
            }
            CreationRuleProblem::KeyGroups => f.write_str(
                "the creation rule has several key groups; only one, of age recipients, can be used",
            ),
            CreationRuleProblem::NoRecipient => f.write_str("the creation rule has no age recipient"),
            CreationRuleProblem::Recipient(error) => error.fmt(f),
            CreationRuleProblem::Rules(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CreationRuleError {}

/// The creation rules of a `.sops.yaml`, read once for all files.
pub struct CreationRules(Vec<(Match, Result<CreationRule, CreationRuleError>)>);

/// Which paths a rule is for; an expression that cannot be used is an error once the rules before it do not match.
type Match = Result<Option<Pattern>, CreationRuleError>;

impl CreationRules {
    /// Reads the text of `.sops.yaml`. `None` when there are no creation rules, which is as if there were no such file.
    ///
    /// # Errors
    /// The text cannot be read. What is wrong with a rule is told only when that rule is asked for.
    pub fn parse(config: &str) -> Result<Option<Self>, CreationRuleError> {
        let file = File::parse(config).map_err(|error| match error {
            Error::Yaml { line, reason } => {
                CreationRuleError { line: Some(line), problem: CreationRuleProblem::Yaml(reason) }
            }
            other => CreationRuleError { line: None, problem: CreationRuleProblem::Yaml(other.to_string()) },
        })?;
        let root = file.documents.first().and_then(|document| document.root());
        let reader = Reader { lines: LineIndex::new(config) };
        let Some(list) = root.and_then(|root| root.get("creation_rules")).filter(|list| !list.is_null())
        else {
            return Ok(None);
        };
        if !list.is_sequence() {
            return Err(reader.fail(list, CreationRuleProblem::Shape("creation_rules")));
        }
        let rules = list.items().map(Node::resolved).map(|rule| (reader.pattern(rule), reader.rule(rule)));
        Ok(Some(Self(rules.collect())))
    }

    /// The first rule that matches a file, by its path relative to the folder of `.sops.yaml` and with `/`.
    ///
    /// # Errors
    /// No rule matches, or the matching one cannot be used.
    pub fn of(&self, path: &str) -> Result<&CreationRule, CreationRuleError> {
        for (pattern, rule) in &self.0 {
            if pattern.as_ref().map_err(Clone::clone)?.as_ref().is_none_or(|pattern| pattern.is_match(path)) {
                return rule.as_ref().map_err(Clone::clone);
            }
        }
        Err(CreationRuleError { line: None, problem: CreationRuleProblem::NoMatch(path.to_owned()) })
    }
}

struct Reader<'t> {
    lines: LineIndex<'t>,
}

impl Reader<'_> {
    fn fail(&self, node: Node<'_, '_>, problem: CreationRuleProblem) -> CreationRuleError {
        CreationRuleError { line: Some(self.line(node)), problem }
    }

    fn line(&self, node: Node<'_, '_>) -> usize {
        self.lines.position(node.span().start).line
    }

    fn pattern(&self, rule: Node<'_, '_>) -> Match {
        let text = rule.str_at("path_regex").filter(|text| !text.is_empty());
        let pattern = text.map(|text| Pattern::new("path_regex", text)).transpose();
        pattern.map_err(|error| self.fail(rule, CreationRuleProblem::Rules(error)))
    }

    fn rule(&self, rule: Node<'_, '_>) -> Result<CreationRule, CreationRuleError> {
        let groups: Vec<_> = rule.get("key_groups").into_iter().flat_map(Node::items).collect();
        let texts = match groups[..] {
            [] => self.flat(rule)?,
            [group] => self.group(group)?,
            _ => return Err(self.fail(rule, CreationRuleProblem::KeyGroups)),
        };
        let mut recipients: Vec<Recipient> = Vec::new();
        for text in texts {
            let recipient = Recipient::parse(text)
                .map_err(|error| self.fail(rule, CreationRuleProblem::Recipient(error)))?;
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        if recipients.is_empty() {
            return Err(self.fail(rule, CreationRuleProblem::NoRecipient));
        }
        let mac_only_encrypted = self.switch(rule, "mac_only_encrypted")?;
        let rules = Rules::from_options(|choice| rule.str_at(choice.key()), mac_only_encrypted)
            .map_err(|error| self.fail(rule, CreationRuleProblem::Rules(error)))?;
        Ok(CreationRule { recipients, rules, line: self.line(rule) })
    }

    /// A boolean in any of the spellings that go-yaml takes where it expects one.
    fn switch(&self, rule: Node<'_, '_>, key: &'static str) -> Result<bool, CreationRuleError> {
        const ON: [&str; 11] = ["true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
        const OFF: [&str; 11] = ["false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
        match rule.get(key).filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or_default()) {
            None => Ok(false),
            Some(word) if ON.contains(&word) => Ok(true),
            Some(word) if OFF.contains(&word) => Ok(false),
            Some(_) => Err(self.fail(rule, CreationRuleProblem::Shape(key))),
        }
    }

    /// Recipients that stand in the rule itself.
    fn flat<'d>(&self, rule: Node<'d, '_>) -> Result<Vec<&'d str>, CreationRuleError> {
        self.refuse_foreign(rule)?;
        self.age(rule)
    }

    /// Recipients of a key group and of those merged into it, these first.
    fn group<'d>(&self, group: Node<'d, '_>) -> Result<Vec<&'d str>, CreationRuleError> {
        enum Task<'d, 't> {
            Group(Node<'d, 't>),
            Own(Node<'d, 't>),
        }
        let mut tasks = vec![Task::Group(group.resolved())];
        let mut texts = Vec::new();
        let mut budget = MAX_MERGED;
        while let Some(task) = tasks.pop() {
            match task {
                Task::Own(group) => {
                    self.refuse_foreign(group)?;
                    texts.extend(self.age(group)?);
                }
                Task::Group(group) => {
                    budget = budget
                        .checked_sub(1)
                        .ok_or_else(|| self.fail(group, CreationRuleProblem::Shape("merge")))?;
                    tasks.push(Task::Own(group));
                    let merged: Vec<_> = group.get("merge").into_iter().flat_map(Node::items).collect();
                    tasks.extend(merged.into_iter().rev().map(|merged| Task::Group(merged.resolved())));
                }
            }
        }
        Ok(texts)
    }

    fn refuse_foreign(&self, node: Node<'_, '_>) -> Result<(), CreationRuleError> {
        let is_used = |key: &&str| {
            node.get(key).is_some_and(|value| {
                value.children().next().is_some()
                    || value.as_str().is_some_and(|text| !text.trim().is_empty())
            })
        };
        match FOREIGN.into_iter().find(is_used) {
            Some(service) => Err(self.fail(node, CreationRuleProblem::Foreign(service))),
            None => Ok(()),
        }
    }

    /// The value of `age`: a list, or text with commas.
    fn age<'d>(&self, node: Node<'d, '_>) -> Result<Vec<&'d str>, CreationRuleError> {
        let shape = || self.fail(node, CreationRuleProblem::Shape("age"));
        let Some(value) = node.get("age").filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
        let texts: Vec<&str> = if value.is_sequence() {
            value.items().map(|item| item.resolved().as_str().ok_or_else(shape)).collect::<Result<_, _>>()?
        } else {
            vec![value.as_str().ok_or_else(shape)?]
        };
        Ok(texts
            .into_iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Choice;

    const A: &str = "age124mpkpvgrywy88e4qj68mtl2ku2ghx9ld8pzfm47zvm0d9zakfyqme9kka";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    fn creation_rule(config: &str, path: &str) -> Result<Option<CreationRule>, CreationRuleError> {
        CreationRules::parse(config)?.map(|rules| rules.of(path).cloned()).transpose()
    }

    fn rule(config: &str, path: &str) -> CreationRule {
        creation_rule(config, path).unwrap().unwrap()
    }

    fn problem(config: &str) -> (Option<usize>, CreationRuleProblem) {
        let error = creation_rule(config, "x.yaml").unwrap_err();
        (error.line, error.problem)
    }

    #[test]
    fn the_first_match_wins_and_the_rest_is_not_looked_into() {
        let config = format!(
            "creation_rules:\n  - path_regex: ^clusters/prod/.*\\.enc\\.yaml$\n    encrypted_regex: ^data$\n    age: {A}\n  \
             - path_regex: legacy\n    kms: arn:aws:kms:x\n  - age: \"{B}, {A},\"\n    mac_only_encrypted: true\n"
        );
        let first = rule(&config, "clusters/prod/a/secret.enc.yaml");
        assert_eq!((first.line, first.rules.option()), (2, (Choice::EncryptedRegex, "^data$")));
        assert_eq!(first.recipients, [Recipient::parse(A).unwrap()]);
        let last = rule(&config, "other.yaml");
        assert_eq!(last.recipients.iter().map(Recipient::as_str).collect::<Vec<_>>(), [B, A]);
        assert_eq!(last.rules.option(), (Choice::UnencryptedSuffix, "_unencrypted"));
        assert!(last.rules.mac_only_encrypted());
        let legacy = creation_rule(&config, "legacy/x.yaml").unwrap_err();
        assert_eq!(
            legacy.to_string(),
            "line 5: the creation rule asks for `kms`; only age recipients can be used"
        );
    }

    #[test]
    fn one_key_group_is_a_list_of_recipients_merged_ones_first() {
        let config = format!(
            "creation_rules:\n- age: ignored\n  kms: ignored\n  key_groups:\n  - age: [{A}]\n    merge:\n    - age: ['{B}', {A}]\n"
        );
        let texts: Vec<_> = rule(&config, "x").recipients.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [B, A]);
    }

    #[test]
    fn no_rules_are_no_rules_but_no_match_is_an_error() {
        for config in ["", "stores:\n  yaml: {indent: 2}\n", "creation_rules:\n"] {
            assert_eq!(creation_rule(config, "x.yaml"), Ok(None));
        }
        let error = problem("creation_rules:\n- path_regex: ^y\n  age: x\n");
        assert_eq!(error, (None, CreationRuleProblem::NoMatch("x.yaml".into())));
        assert_eq!(problem("creation_rules: []\n"), (None, CreationRuleProblem::NoMatch("x.yaml".into())));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_line() {
        let rule = |body: &str| problem(&format!("creation_rules:\n- {body}\n"));
        assert_eq!(rule("key_groups: [{age: [x]}, {age: [y]}]"), (Some(2), CreationRuleProblem::KeyGroups));
        assert_eq!(rule("key_groups: [{pgp: [x]}]"), (Some(2), CreationRuleProblem::Foreign("pgp")));
        assert_eq!(rule("age: ''"), (Some(2), CreationRuleProblem::NoRecipient));
        let switch = rule(&format!("{{age: {A}, mac_only_encrypted: 2}}"));
        assert_eq!(switch, (Some(2), CreationRuleProblem::Shape("mac_only_encrypted")));
        assert_eq!(rule("age: {a: b}"), (Some(2), CreationRuleProblem::Shape("age")));
        let unknown = RecipientError::Unknown("bob".into());
        assert_eq!(rule("age: bob"), (Some(2), CreationRuleProblem::Recipient(unknown)));
        assert_eq!(
            rule("age: AGE-SECRET-KEY-1XYZ"),
            (Some(2), CreationRuleProblem::Recipient(RecipientError::PrivateKey))
        );
        let regex = CreationRuleProblem::Rules(RulesError::Regex("path_regex".into()));
        assert_eq!(rule("path_regex: '('"), (Some(2), regex));
        let two = RulesError::Two(Choice::EncryptedSuffix, Choice::EncryptedRegex);
        let both = rule(&format!("{{age: {A}, encrypted_regex: a, encrypted_suffix: b}}"));
        assert_eq!(both, (Some(2), CreationRuleProblem::Rules(two)));
        assert_eq!(problem("creation_rules: x\n"), (Some(1), CreationRuleProblem::Shape("creation_rules")));
        assert!(matches!(problem("a: [\n"), (Some(_), CreationRuleProblem::Yaml(_))));
    }

    #[test]
    fn groups_that_merge_themselves_come_to_an_end() {
        let config = "creation_rules:\n- key_groups:\n  - &g\n    merge: [*g, *g]\n";
        assert_eq!(problem(config).1, CreationRuleProblem::Shape("merge"));
    }
}
