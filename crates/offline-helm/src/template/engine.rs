//! A set of templates by name, and what they render to.

use super::{Limits, TemplateError, Value};

/// The templates of a chart and its subcharts: one set, in which names are global.
pub struct Engine {
    limits: Limits,
}

impl Engine {
    /// An empty set.
    pub fn new(limits: Limits) -> Self {
        Engine { limits }
    }

    /// Reads a template under a name. What it defines takes the place of what had the name.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), TemplateError> {
        let _ = (name, text, &self.limits);
        Ok(())
    }

    /// What the template of that name gives for the data, `<no value>` taken out.
    pub fn render(&self, name: &str, data: Value) -> Result<Vec<u8>, TemplateError> {
        let _ = (name, data);
        Ok(Vec::new())
    }
}

/// Runs on a thread whose stack is large enough for the depth that [`Limits`] allow.
pub fn with_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, run);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("no thread: {error}"),
        }
    })
}
