//! Lines of a log that cannot be read, counted by kind.

use std::mem::{Discriminant, discriminant};

use rigtone_record::ReadError;

use crate::shortcoming::Shortcoming;

/// Kinds of faults, the first of each in words.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(Discriminant<ReadError>, String, u64, &'static str)>);

impl Faults {
    pub(crate) fn take(&mut self, fault: &ReadError) {
        let kind = discriminant(fault);
        match self.0.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, count, _)) => *count += 1,
            None => self.0.push((kind, fault.to_string(), 1, fault.hint())),
        }
    }

    pub(crate) fn shortcomings(&self) -> impl Iterator<Item = Shortcoming> {
        self.0.iter().map(|(_, what, count, hint)| Shortcoming::Lines { what: what.clone(), count: *count, hint })
    }
}
