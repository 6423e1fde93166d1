//! Simulated dongles: known by their addresses, whatever the kernel calls them just now.

use std::collections::BTreeMap;

use rigtone_model::document::Rig;

use super::planted::Planted;
use crate::clock::Instant;

/// The dongles of a rig.
pub(super) struct Dongles {
    dongles: BTreeMap<String, Dongle>,
    /// The number of the next one that comes.
    next: usize,
}

struct Dongle {
    address: String,
    number: usize,
}

impl Dongles {
    pub(super) fn of(rig: &Rig) -> Self {
        let numbered = rig.dongles.iter().enumerate();
        let dongles: BTreeMap<String, Dongle> = numbered
            .map(|(number, (name, dongle))| (name.clone(), Dongle { address: dongle.address.clone(), number }))
            .collect();
        Self { next: dongles.len(), dongles }
    }

    /// Gives those that came back their new names.
    pub(super) fn settle(&mut self, planted: &mut Planted, now: Instant) {
        for name in planted.returned(now) {
            if let Some(dongle) = self.dongles.get_mut(&name) {
                dongle.number = self.next;
                self.next += 1;
            }
        }
    }

    /// The dongles with their addresses and the names that the kernel gives them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str, String)> {
        self.dongles.iter().map(|(name, d)| (name.as_str(), d.address.as_str(), format!("hci{}", d.number)))
    }
}
