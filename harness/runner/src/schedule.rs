//! Which combination has its next trial when: on disjoint resources at the same time, all of a trial's resources
//! taken at once, so that nobody holds one while waiting for another.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

type Resources = Arc<[Arc<str>]>;

/// Combinations that want a trial, and the resources in use.
///
/// The combination with the fewest trials comes first, then the order of the plan: conditions that are compared are
/// interleaved, and every combination gets early results.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    /// By resources, so that a wait is decided once for all that need the same.
    lanes: BTreeMap<Resources, BTreeSet<(u32, usize)>>,
    busy: BTreeSet<Arc<str>>,
}

impl Schedule {
    /// A combination wants its next trial.
    pub(crate) fn want(&mut self, resources: &Resources, trials: u32, index: usize) {
        self.lanes.entry(resources.clone()).or_default().insert((trials, index));
    }

    /// Takes the next combination that can run now, and its resources with it.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let free = |resources: &Resources| resources.iter().all(|r| !self.busy.contains(r));
        let next = self.lanes.iter().filter(|(resources, _)| free(resources));
        let (resources, key) =
            next.filter_map(|(r, lane)| Some((r.clone(), *lane.first()?))).min_by_key(|(_, key)| *key)?;
        let lane = self.lanes.get_mut(&resources)?;
        lane.remove(&key);
        if lane.is_empty() {
            self.lanes.remove(&resources);
        }
        self.busy.extend(resources.iter().cloned());
        Some(key.1)
    }

    /// Gives resources back.
    pub(crate) fn give_back(&mut self, resources: &Resources) {
        for resource in resources.iter() {
            self.busy.remove(resource);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resources(names: &[&str]) -> Resources {
        names.iter().map(|n| Arc::from(*n)).collect()
    }

    #[test]
    fn combinations_on_disjoint_resources_run_together_and_others_wait() {
        let mut schedule = Schedule::default();
        let (a, b, ab) = (resources(&["a"]), resources(&["b"]), resources(&["a", "b"]));
        schedule.want(&ab, 0, 0);
        schedule.want(&a, 0, 1);
        schedule.want(&b, 0, 2);
        assert_eq!(schedule.take(), Some(0));
        assert_eq!(schedule.take(), None);
        schedule.give_back(&ab);
        assert_eq!(schedule.take(), Some(1));
        assert_eq!(schedule.take(), Some(2));
    }

    #[test]
    fn the_combination_with_the_fewest_trials_comes_first() {
        let mut schedule = Schedule::default();
        let a = resources(&["a"]);
        schedule.want(&a, 3, 0);
        schedule.want(&a, 2, 1);
        assert_eq!(schedule.take(), Some(1));
    }

    proptest! {
        #[test]
        fn nothing_is_ever_held_twice_and_everything_gets_its_turn(
            wants in prop::collection::vec(prop::collection::btree_set(0_usize..6, 1..4), 1..30),
            order in any::<u64>(),
        ) {
            let sets: Vec<Resources> =
                wants.iter().map(|w| w.iter().map(|r| Arc::from(format!("r{r}"))).collect()).collect();
            let mut schedule = Schedule::default();
            for (index, set) in sets.iter().enumerate() {
                schedule.want(set, 0, index);
            }
            let (mut running, mut done, mut order) = (Vec::new(), 0, order);
            loop {
                while let Some(index) = schedule.take() {
                    for other in &running {
                        let other: &Resources = &sets[*other];
                        prop_assert!(sets[index].iter().all(|r| !other.contains(r)));
                    }
                    running.push(index);
                }
                if running.is_empty() { break }
                order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let ended = running.remove((order >> 33) as usize % running.len());
                schedule.give_back(&sets[ended]);
                done += 1;
            }
            prop_assert_eq!(done, sets.len());
        }
    }
}
