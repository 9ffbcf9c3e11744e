//! The content of one document: mappings and sequences in order, with typed leaves.
//!
//! Held flat, as a list of tokens, because everything SOPS does is one walk over the leaves: no recursion, and nothing
//! on the stack however deep a document is. Leaves may be secret: they are wiped when dropped and have no `Debug`.

use zeroize::Zeroizing;

use super::spelling;

/// A typed value. The types are those that SOPS tells apart; `null` is never encrypted and in no MAC.
#[derive(Clone)]
pub enum Leaf {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A timestamp, as RFC 3339 text with as many decimals as needed.
    Time(String),
    /// Text.
    Str(Zeroizing<String>),
    /// Bytes that are no UTF-8 text.
    Bytes(Zeroizing<Vec<u8>>),
}

impl Leaf {
    /// The bytes that are encrypted and hashed; none for null. [sops.go ToBytes]
    pub fn plaintext(&self) -> Option<Zeroizing<Vec<u8>>> {
        let text = match self {
            Self::Null => return None,
            Self::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => spelling::float_decimal(*value),
            Self::Time(value) => value.clone(),
            Self::Str(value) => return Some(Zeroizing::new(value.as_bytes().to_vec())),
            Self::Bytes(value) => return Some(value.clone()),
        };
        Some(Zeroizing::new(text.into_bytes()))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(value) => Some(value),
            _ => None,
        }
    }
}

/// Equal means: the same type and the same plaintext. So a floating point number that is none equals itself.
impl PartialEq for Leaf {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.plaintext() == other.plaintext()
    }
}

impl From<&str> for Leaf {
    fn from(value: &str) -> Self {
        Self::Str(Zeroizing::new(value.to_owned()))
    }
}

impl From<String> for Leaf {
    fn from(value: String) -> Self {
        Self::Str(Zeroizing::new(value))
    }
}

impl From<bool> for Leaf {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Leaf {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// One step of a document in reading order.
#[derive(Clone, PartialEq)]
pub(super) enum Token {
    /// A key of the mapping that is open; its value follows.
    Key(String),
    Leaf(Leaf),
    Map,
    Seq,
    /// The end of the collection opened last.
    End,
}

/// The content of one document. The top is always a mapping.
#[derive(Clone, PartialEq)]
pub struct Tree {
    tokens: Vec<Token>,
}

impl Tree {
    /// Builds a tree key by key.
    pub fn build(content: impl FnOnce(&mut MapBuilder)) -> Self {
        let mut builder = MapBuilder { tokens: vec![Token::Map] };
        content(&mut builder);
        builder.tokens.push(Token::End);
        Self { tokens: builder.tokens }
    }

    /// Wraps tokens that the caller vouches for: balanced, keys and values in turn, a mapping at the top.
    pub(super) fn from_tokens(tokens: Vec<Token>) -> Self {
        Self { tokens }
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The leaf at the end of `keys`, through mappings only.
    pub fn get(&self, keys: &[&str]) -> Option<&Leaf> {
        let mut place = Place::default();
        for token in &self.tokens {
            if let Token::Leaf(leaf) = token
                && place.keys == keys
                && !place.within_sequence()
            {
                return Some(leaf);
            }
            place.step(token);
        }
        None
    }

    /// The text of the string at the end of `keys`.
    pub fn str_at(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys)?.as_str()
    }

    /// The keys of the mapping at the end of `keys`, in order; empty when there is none.
    pub fn keys(&self, keys: &[&str]) -> Vec<&str> {
        let mut place = Place::default();
        let mut found = Vec::new();
        for token in &self.tokens {
            if let Token::Key(key) = token
                && place.keys == keys
                && !place.within_sequence()
            {
                found.push(key.as_str());
            }
            place.step(token);
        }
        found
    }

    /// Shows every leaf, in document order, with the place where it stands.
    pub fn walk<'t>(&'t self, mut visit: impl FnMut(&Place<'t>, &'t Leaf)) {
        let mut place = Place::default();
        for token in &self.tokens {
            if let Token::Leaf(leaf) = token {
                visit(&place, leaf);
            }
            place.step(token);
        }
    }

    /// The same tree with every leaf replaced; `None` takes an item out of its sequence.
    ///
    /// # Errors
    /// The first error of `change`.
    pub(super) fn try_map<'t, E>(
        &'t self,
        mut change: impl FnMut(&Place<'t>, &'t Leaf) -> Result<Option<Leaf>, E>,
    ) -> Result<Self, E> {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        let mut place = Place::default();
        for token in &self.tokens {
            match token {
                Token::Leaf(leaf) => match change(&place, leaf)? {
                    Some(leaf) => tokens.push(Token::Leaf(leaf)),
                    None if place.is_item() => {}
                    None => tokens.push(Token::Leaf(Leaf::Null)),
                },
                other => tokens.push(other.clone()),
            }
            place.step(token);
        }
        Ok(Self { tokens })
    }
}

/// Where a leaf stands: the keys from the top; positions in sequences do not count. [sops.go walkSlice]
#[derive(Default)]
pub struct Place<'t> {
    keys: Vec<&'t str>,
    /// The open collections, true for a sequence.
    open: Vec<bool>,
}

impl<'t> Place<'t> {
    /// The mapping keys from the top of the document.
    pub fn keys(&self) -> &[&'t str] {
        &self.keys
    }

    /// Whether the leaf is itself an item of a sequence.
    pub(super) fn is_item(&self) -> bool {
        self.open.last() == Some(&true)
    }

    /// What binds a ciphertext to its place: every key followed by a colon. [sops.go Encrypt]
    pub(super) fn additional_data(&self) -> String {
        additional_data(&self.keys)
    }

    fn within_sequence(&self) -> bool {
        self.open.contains(&true)
    }

    fn step(&mut self, token: &'t Token) {
        match token {
            Token::Key(key) => return self.keys.push(key),
            Token::Map => return self.open.push(false),
            Token::Seq => return self.open.push(true),
            Token::Leaf(_) => {}
            Token::End => {
                self.open.pop();
            }
        }
        // A value is complete: so is the key it belongs to.
        if self.open.last() == Some(&false) {
            self.keys.pop();
        }
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Keys are foreign text: nothing in them may steer a terminal.
        let text = self.keys.join(".");
        f.write_str(&text.replace(char::is_control, " "))
    }
}

/// What binds a ciphertext to the place that these keys lead to.
pub(super) fn additional_data(keys: &[&str]) -> String {
    keys.iter().flat_map(|key| [*key, ":"]).collect()
}

/// Adds entries to a mapping.
pub struct MapBuilder {
    tokens: Vec<Token>,
}

impl MapBuilder {
    /// `key: value`.
    pub fn leaf(&mut self, key: &str, value: impl Into<Leaf>) -> &mut Self {
        self.tokens.push(Token::Key(key.to_owned()));
        self.tokens.push(Token::Leaf(value.into()));
        self
    }

    /// A mapping under `key`.
    pub fn map(&mut self, key: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.tokens.extend([Token::Key(key.to_owned()), Token::Map]);
        content(self);
        self.tokens.push(Token::End);
        self
    }

    /// A sequence of leaves under `key`.
    pub fn list(&mut self, key: &str, items: impl IntoIterator<Item = Leaf>) -> &mut Self {
        self.tokens.extend([Token::Key(key.to_owned()), Token::Seq]);
        self.tokens.extend(items.into_iter().map(Token::Leaf));
        self.tokens.push(Token::End);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        Tree::build(|top| {
            top.leaf("a", "x").map("m", |inner| {
                inner.leaf("k:1", 7).list("l", [Leaf::from(true), Leaf::Null]);
            });
            top.leaf("z", "end");
        })
    }

    #[test]
    fn leaves_come_in_order_with_their_additional_data() {
        let tree = sample();
        let mut seen = Vec::new();
        tree.walk(|place, leaf| {
            let text = leaf.plaintext().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
            seen.push((place.additional_data(), place.is_item(), text));
        });
        let expected = [
            ("a:", false, Some("x")),
            ("m:k:1:", false, Some("7")),
            ("m:l:", true, Some("True")),
            ("m:l:", true, None),
            ("z:", false, Some("end")),
        ];
        let expected: Vec<_> =
            expected.map(|(aad, item, text)| (aad.to_owned(), item, text.map(str::to_owned))).into();
        assert_eq!(seen, expected);
    }

    #[test]
    fn leaves_and_keys_are_found_through_mappings() {
        let tree = sample();
        assert!(tree.get(&["m", "k:1"]) == Some(&Leaf::Int(7)));
        assert!(tree.get(&["m", "l"]).is_none());
        assert_eq!(tree.keys(&["m"]), ["k:1", "l"]);
        assert_eq!(tree.keys(&[]), ["a", "m", "z"]);
        assert_eq!(tree.str_at(&["z"]), Some("end"));
    }

    #[test]
    fn an_item_can_be_taken_out_of_a_sequence() {
        let tree = sample();
        let fewer: Result<Tree, ()> =
            tree.try_map(|place, leaf| Ok((!place.is_item()).then(|| leaf.clone())));
        let expected = Tree::build(|top| {
            top.leaf("a", "x").map("m", |inner| {
                inner.leaf("k:1", 7).list("l", []);
            });
            top.leaf("z", "end");
        });
        assert!(fewer == Ok(expected));
    }
}
