//! Colours, used only where the reader is a terminal or asks for them.

use std::fmt::Display;
use std::io::IsTerminal;

/// Whether one stream is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    coloured: bool,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { coloured: false };

    /// The style for a stream; `no_color` is whether the environment sets `NO_COLOR`.
    pub fn of(color: Color, stream: &impl IsTerminal, no_color: bool) -> Self {
        let coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stream.is_terminal() && !no_color,
        };
        Self { coloured }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// Errors and removed lines.
    pub fn red(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// Added lines.
    pub fn green(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Warnings.
    pub fn yellow(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Notes, hints and hunk headers.
    pub fn cyan(self, text: impl Display) -> String {
        self.paint("36", text)
    }

    /// Names of files.
    pub fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }
}
