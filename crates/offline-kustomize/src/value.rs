//! Trees that a build edits: YAML content without its layout, cheap to clone and to change in one place.
//!
//! Collections are shared and copied only where they are written, so a base that a thousand overlays use is held
//! once. Aliases and merge keys are followed while reading; a document that would grow beyond bounds is refused.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use lossless_yaml::parse::{Kind, Node, Style};

/// Levels of nesting that a tree may have. Functions of a build that descend are bounded by it.
pub const MAX_DEPTH: usize = 300;

/// Nodes that a tree may have once its aliases are followed.
pub const MAX_NODES: usize = 1_000_000;

/// One node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A single value: its text and whether it was written without quotes, so that it may be a number.
    Scalar(Arc<str>, bool),
    /// A mapping; keys in source order.
    Map(Arc<Vec<(Arc<str>, Value)>>),
    /// A sequence.
    List(Arc<Vec<Value>>),
}

/// Why a document does not become a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
    /// Larger than [`MAX_NODES`].
    Nodes,
    /// An alias points to something that contains it.
    Cycle,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::Nodes => write!(f, "larger than {MAX_NODES} nodes once its aliases are followed"),
            Self::Cycle => f.write_str("an anchor contains itself"),
        }
    }
}

impl Value {
    /// A string.
    pub fn text(text: &str) -> Self {
        Self::Scalar(Arc::from(text), false)
    }

    /// A mapping of the given pairs.
    pub fn map<'k>(pairs: impl IntoIterator<Item = (&'k str, Value)>) -> Self {
        Self::Map(Arc::new(pairs.into_iter().map(|(key, value)| (Arc::from(key), value)).collect()))
    }

    /// A sequence of the given items.
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it holds nothing: null, an empty string, mapping or sequence.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Scalar(text, _) => text.is_empty(),
            Self::Map(pairs) => pairs.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a plain `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Scalar(text, true) if &**text == "true")
    }

    /// Pairs of a mapping; none for anything else.
    pub fn pairs(&self) -> &[(Arc<str>, Value)] {
        match self {
            Self::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// Items of a sequence; none for anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs().iter().find(|(name, _)| &**name == key).map(|(_, value)| value)
    }

    /// The value at the end of several keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of the scalar under `key`.
    pub fn str_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// What a mapping or a list holds.
    pub fn values_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Map(pairs) => Arc::make_mut(pairs).iter_mut().map(|(_, value)| value).collect(),
            Self::List(items) => Arc::make_mut(items).iter_mut().collect(),
            Self::Null | Self::Scalar(..) => Vec::new(),
        }
    }

    /// The value of a key, to write.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self {
            Self::Map(pairs) => {
                let at = pairs.iter().position(|(name, _)| &**name == key)?;
                Some(&mut Arc::make_mut(pairs)[at].1)
            }
            _ => None,
        }
    }

    /// Items of a sequence, to write.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::List(items) => Some(Arc::make_mut(items)),
            _ => None,
        }
    }

    /// Gives a key of a mapping a value, in place or at the end; anything else becomes a mapping of that pair.
    pub fn set(&mut self, key: &str, value: Value) {
        if let Self::Map(pairs) = self {
            let pairs = Arc::make_mut(pairs);
            match pairs.iter_mut().find(|(name, _)| &**name == key) {
                Some((_, old)) => *old = value,
                None => pairs.push((Arc::from(key), value)),
            }
        } else {
            *self = Self::map([(key, value)]);
        }
    }

    /// Takes a key out of a mapping.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let Self::Map(pairs) = self else { return None };
        let at = pairs.iter().position(|(name, _)| &**name == key)?;
        Some(Arc::make_mut(pairs).remove(at).1)
    }

    /// The number of nodes of a tree that a patch has grown. Stops at the bound.
    ///
    /// # Errors
    /// It is larger than [`MAX_NODES`] or deeper than [`MAX_DEPTH`].
    pub fn within_limits(&self) -> Result<usize, Limit> {
        let mut waiting = vec![(self, 1)];
        let mut nodes = 0;
        while let Some((value, depth)) = waiting.pop() {
            nodes += 1;
            if nodes > MAX_NODES {
                return Err(Limit::Nodes);
            }
            if depth > MAX_DEPTH {
                return Err(Limit::Depth);
            }
            waiting.extend(value.items().iter().map(|item| (item, depth + 1)));
            waiting.extend(value.pairs().iter().map(|(_, item)| (item, depth + 1)));
        }
        Ok(nodes)
    }

    /// Reads a node and all below it.
    ///
    /// # Errors
    /// A document that is too deep, too large, or contains itself.
    pub fn from_node(node: Node<'_, '_>) -> Result<Self, Limit> {
        let mut reader = Reader { anchored: Vec::new(), open: Vec::new() };
        reader.read(node.resolved())
    }
}

/// A finished subtree with its size and height.
#[derive(Clone)]
struct Built {
    value: Value,
    nodes: usize,
    depth: usize,
}

struct Open<'d, 't> {
    node: Node<'d, 't>,
    children: std::vec::IntoIter<Node<'d, 't>>,
    /// Keys and values in turn for a mapping.
    done: Vec<Built>,
}

struct Reader<'d, 't> {
    /// What aliases may point to, in source order.
    anchored: Vec<(usize, Built)>,
    open: Vec<Open<'d, 't>>,
}

impl<'d, 't> Reader<'d, 't> {
    fn read(&mut self, root: Node<'d, 't>) -> Result<Value, Limit> {
        let mut next = Some(root);
        loop {
            let built = match next.take() {
                Some(node) if matches!(node.kind(), Kind::Mapping { .. } | Kind::Sequence { .. }) => {
                    if self.open.len() > MAX_DEPTH {
                        return Err(Limit::Depth);
                    }
                    let children: Vec<_> = node.children().collect();
                    self.open.push(Open { node, done: Vec::new(), children: children.into_iter() });
                    None
                }
                Some(node) => Some((node, self.leaf(node)?)),
                None => None,
            };
            if let Some((node, built)) = built {
                if node.is_anchored() {
                    self.anchored.push((node.id(), built.clone()));
                }
                match self.open.last_mut() {
                    Some(open) => open.done.push(built),
                    None => return Ok(built.value),
                }
            }
            // The next child of the innermost open collection, or that collection itself when it is complete.
            while let Some(open) = self.open.last_mut() {
                if let Some(child) = open.children.next() {
                    next = Some(child);
                    break;
                }
                let Some(open) = self.open.pop() else { break };
                let built = finish(open.node, open.done)?;
                if open.node.is_anchored() {
                    self.anchored.push((open.node.id(), built.clone()));
                }
                match self.open.last_mut() {
                    Some(outer) => outer.done.push(built),
                    None => return Ok(built.value),
                }
            }
        }
    }

    fn leaf(&self, node: Node<'d, 't>) -> Result<Built, Limit> {
        if node.kind() == Kind::Alias {
            let target = node.resolved().id();
            let found = self.anchored.iter().rev().find(|(id, _)| *id == target);
            return found.map(|(_, built)| built.clone()).ok_or(Limit::Cycle);
        }
        let value = match (node.as_str(), node.kind()) {
            (Some(text), Kind::Scalar(style)) => Value::Scalar(Arc::from(text), style == Style::Plain),
            _ => Value::Null,
        };
        Ok(Built { value, nodes: 1, depth: 1 })
    }
}

fn finish(node: Node<'_, '_>, done: Vec<Built>) -> Result<Built, Limit> {
    let nodes = done.iter().fold(1usize, |sum, built| sum.saturating_add(built.nodes));
    let depth = 1 + done.iter().map(|built| built.depth).max().unwrap_or(0);
    if nodes > MAX_NODES {
        return Err(Limit::Nodes);
    }
    if depth > MAX_DEPTH {
        return Err(Limit::Depth);
    }
    let values = done.into_iter().map(|built| built.value);
    let value = if node.is_mapping() { mapping(values) } else { Value::list(values.collect()) };
    Ok(Built { value, nodes, depth })
}

/// Pairs in source order, then what merge keys (`<<`) bring in and no own key overrides.
fn mapping(mut values: impl Iterator<Item = Value>) -> Value {
    let mut pairs: Vec<(Arc<str>, Value)> = Vec::new();
    let mut merged = Vec::new();
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        match key {
            Value::Scalar(name, true) if &*name == "<<" => merged.push(value),
            Value::Scalar(name, _) => pairs.push((name, value)),
            // `null:` and `~:` are keys that no field has; a collection as key is none of Kubernetes' either.
            Value::Null | Value::Map(_) | Value::List(_) => {}
        }
    }
    if !merged.is_empty() {
        let mut own: HashSet<Arc<str>> = pairs.iter().map(|(name, _)| Arc::clone(name)).collect();
        for value in &merged {
            let sources = if value.items().is_empty() { std::slice::from_ref(value) } else { value.items() };
            for (name, value) in sources.iter().flat_map(Value::pairs) {
                if own.insert(Arc::clone(name)) {
                    pairs.push((Arc::clone(name), value.clone()));
                }
            }
        }
    }
    Value::Map(Arc::new(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossless_yaml::parse::parse;
    use lossless_yaml::span::Span;

    pub fn read(text: &str) -> Result<Value, Limit> {
        let documents = parse(text, Span::new(0, text.len())).unwrap();
        Value::from_node(documents[0].root().unwrap())
    }

    #[test]
    fn aliases_and_merge_keys_are_followed() {
        let tree = read("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: [*x, ~, \"\"]\n").unwrap();
        assert_eq!(tree.at(&["b", "q"]).unwrap().as_str(), Some("3"));
        assert_eq!(tree.at(&["b", "p"]).unwrap().as_str(), Some("1"));
        assert_eq!(tree.get("c").unwrap().items()[0].str_at("q"), Some("2"));
        assert!(tree.get("c").unwrap().items()[1].is_null());
        assert_eq!(tree.get("c").unwrap().items()[2], Value::text(""));
    }

    #[test]
    fn an_earlier_merge_source_wins() {
        let tree = read("a: &a {k: 1}\nb: &b {k: 2, l: 3}\nc: {<<: [*a, *b]}\n").unwrap();
        assert_eq!(tree.at(&["c", "k"]).unwrap().as_str(), Some("1"));
        assert_eq!(tree.at(&["c", "l"]).unwrap().as_str(), Some("3"));
    }

    #[test]
    fn aliases_that_multiply_or_nest_without_bound_are_refused() {
        let mut wide = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..8 {
            wide += &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1);
        }
        assert_eq!(read(&wide), Err(Limit::Nodes));
        let mut deep = String::from("a0: &a0 [x]\n");
        for n in 1..400 {
            deep += &format!("a{n}: &a{n} [*a{}]\n", n - 1);
        }
        assert_eq!(read(&deep), Err(Limit::Depth));
        assert_eq!(read("&a [*a]"), Err(Limit::Cycle));
    }

    #[test]
    fn a_write_leaves_other_holders_of_the_tree_alone() {
        let base = read("a: {b: [1]}\n").unwrap();
        let mut copy = base.clone();
        copy.get_mut("a").unwrap().set("b", Value::text("x"));
        assert_eq!(base.at(&["a", "b"]).unwrap().items().len(), 1);
        assert_eq!(copy.at(&["a", "b"]), Some(&Value::text("x")));
    }
}
