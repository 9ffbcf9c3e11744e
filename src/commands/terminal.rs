//! Where a command speaks to. Refuses to know what is said.

use std::io::{self, BufRead as _, Write};

use anyhow::Result;

use crate::report::style::Style;

/// What a command speaks to: data to one stream, messages to the other.
pub struct Terminal<'o> {
    /// Data.
    pub out: &'o mut dyn Write,
    /// Messages.
    pub err: &'o mut dyn Write,
    /// Style of the data stream.
    pub out_style: Style,
    /// Style of the message stream.
    pub err_style: Style,
}

impl Terminal<'_> {
    /// Asks whoever sits there; anything but a clear yes is a no.
    pub fn confirm(&mut self, question: &str) -> Result<bool> {
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
