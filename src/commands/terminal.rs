//! Where a command speaks to. Refuses to know what is said.

use std::io::Write;

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
