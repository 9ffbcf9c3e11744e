//! One file of the repository as the scan hands it to those who find out where its objects go.

use super::delivery::{Delivery, DeliveryFacts};
use crate::objects::called::Called;
use crate::objects::object::Object;

/// One scanned file.
#[derive(Clone, Copy)]
pub struct Scanned<'a> {
    /// Path relative to the repository's root, with `/`.
    pub path: &'a str,
    /// Its objects.
    pub objects: &'a [Object],
    /// What it tells about deliveries, if anything.
    pub facts: Option<&'a DeliveryFacts>,
    /// What ConfigMaps and Secrets in it may be called, if there are any.
    pub settings: Option<&'a Called>,
}

impl<'a> Scanned<'a> {
    /// Flux and Argo CD objects of the file.
    pub fn deliveries(&self) -> &'a [Delivery] {
        self.facts.map_or(&[], |facts| &facts.deliveries)
    }
}
