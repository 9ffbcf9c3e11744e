//! The type of a scalar by the YAML 1.2 core schema: what is quoted is a string, and so are `yes`, `on` and `1:30`.

use crate::parse::{Kind, Node, Style};

/// A scalar and its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'d> {
    Null,
    Bool(bool),
    Signed(i64),
    /// A whole number that only fits without a sign.
    Unsigned(u64),
    Float(f64),
    Text(&'d str),
}

impl<'d> Scalar<'d> {
    /// Reads a scalar; tags of the core schema decide before the text does, any other tag makes it a string.
    pub(super) fn of(node: Node<'d, '_>) -> Self {
        let text = node.as_str().unwrap_or("");
        let plain = node.kind() == Kind::Scalar(Style::Plain);
        match node.tag().map(core_type) {
            None if plain && node.is_null() => Self::Null,
            None if plain => typed(text),
            Some(Some("null")) => Self::Null,
            Some(Some("bool" | "int" | "float")) => typed(text),
            None | Some(_) => Self::Text(text),
        }
    }

    /// What it is, with its article.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Signed(_) | Self::Unsigned(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
        }
    }
}

/// `str` of `!!str` and `!<tag:yaml.org,2002:str>`.
fn core_type(tag: &str) -> Option<&str> {
    let verbatim = || tag.strip_prefix("!<tag:yaml.org,2002:")?.strip_suffix('>');
    tag.strip_prefix("!!").or_else(verbatim)
}

fn typed(text: &str) -> Scalar<'_> {
    match text {
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    whole(text).or_else(|| decimal(text)).unwrap_or(Scalar::Text(text))
}

fn whole(text: &str) -> Option<Scalar<'_>> {
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        _ => (text, 10),
    };
    if radix != 10 && digits.starts_with(['+', '-']) {
        return None;
    }
    let signed = i64::from_str_radix(digits, radix).map(Scalar::Signed);
    signed.or_else(|_| u64::from_str_radix(digits, radix).map(Scalar::Unsigned)).ok()
}

fn decimal(text: &str) -> Option<Scalar<'_>> {
    // Rust reads all that YAML does, and words such as `inf` besides.
    let number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    number.then(|| text.parse().ok().map(Scalar::Float))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::span::Span;

    fn assert_type(text: &str, expected: Scalar<'_>) {
        let documents = parse(text, Span::new(0, text.len())).unwrap();
        let node = documents[0].root().unwrap();
        assert_eq!(Scalar::of(node), expected, "{text}");
    }

    #[test]
    fn plain_scalars_are_typed_by_the_core_schema() {
        for text in ["~", "null", "Null", "NULL", "# nothing\n--- \n"] {
            assert_type(text, Scalar::Null);
        }
        assert_type("true", Scalar::Bool(true));
        assert_type("FALSE", Scalar::Bool(false));
        assert_type("0", Scalar::Signed(0));
        assert_type("-12", Scalar::Signed(-12));
        assert_type("+12", Scalar::Signed(12));
        assert_type("007", Scalar::Signed(7));
        assert_type("0o17", Scalar::Signed(15));
        assert_type("0xfF", Scalar::Signed(255));
        assert_type("18446744073709551615", Scalar::Unsigned(u64::MAX));
        assert_type("18446744073709551616", Scalar::Float(18_446_744_073_709_551_616.0));
        for (text, value) in [("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("+1.0E-1", 0.1)] {
            assert_type(text, Scalar::Float(value));
        }
        assert_type("-.inf", Scalar::Float(f64::NEG_INFINITY));
    }

    #[test]
    fn what_yaml_1_1_would_change_stays_a_string() {
        for text in [
            "yes", "no", "on", "off", "y", "1:30", "1_000", "0b1", "inf", "nan", "infinity", "0x", "0x-1",
            "1e", ".",
        ] {
            assert_type(text, Scalar::Text(text));
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text() {
        assert_type("\"5\"", Scalar::Text("5"));
        assert_type("'null'", Scalar::Text("null"));
        assert_type("|\n  true\n", Scalar::Text("true\n"));
        assert_type("!!str 5", Scalar::Text("5"));
        assert_type("!<tag:yaml.org,2002:str> 5", Scalar::Text("5"));
        assert_type("! 5", Scalar::Text("5"));
        assert_type("!vault 5", Scalar::Text("5"));
        assert_type("!!int \"5\"", Scalar::Signed(5));
        assert_type("!!null x", Scalar::Null);
    }
}
