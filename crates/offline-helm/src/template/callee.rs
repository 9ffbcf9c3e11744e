//! The functions that a template may call, found when it is read, as Go does.

use super::builtins::{BUILTINS, Builtin};
use crate::functions::{self, Function, Type};

/// A function: the engine's own, or one of the table.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    Builtin(&'static Builtin),
    Function(&'static Function),
}

impl Callee {
    /// The function of that name.
    pub(super) fn find(name: &str) -> Option<Callee> {
        if let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == name) {
            return Some(Callee::Builtin(builtin));
        }
        functions::find(name).map(Callee::Function)
    }

    /// What templates call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Callee::Builtin(builtin) => builtin.name,
            Callee::Function(function) => function.name,
        }
    }

    /// The types of its parameters, and of any further ones.
    pub(super) fn signature(self) -> (&'static [Type], Option<Type>) {
        match self {
            Callee::Builtin(builtin) => (builtin.params, builtin.rest),
            Callee::Function(function) => (function.params, function.rest),
        }
    }
}
