//! Which combination has its next trial when.
//!
//! A trial takes all its resources at once and gives them back at its end, so that nobody holds one while waiting for
//! another: no deadlock, whatever the order. What is taken is marked in the fixed order of the names.

#[cfg(test)]
mod tests;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rigtone_model::plan::capacity;

pub(crate) type Resources = Arc<[Arc<str>]>;

/// A combination that wants its next trial.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Its place in the plan.
    pub(crate) index: usize,
    /// What its trial needs for itself.
    pub(crate) resources: Resources,
    /// Its comparison group.
    pub(crate) group: u64,
    /// Trials it has had.
    pub(crate) trials: u32,
    /// The further time it is expected to take, the coming trial included.
    pub(crate) remaining_ns: i64,
    /// How long its trial is expected to take.
    pub(crate) trial_ns: i64,
}

/// Combinations that want a trial, and the resources in use.
///
/// Critical resource first: of the trials that can run now, the one whose busiest resource has most work ahead begins,
/// their second busiest deciding between equals and so on. Work is expected work; nothing that can run ever waits, but
/// for a lane that was passed over too often. Between combinations on the same resources the order makes no run
/// shorter: there the fewest trials come first, so that each has early results, then the order of the plan.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    resources: Vec<Resource>,
    resource_ids: BTreeMap<Arc<str>, usize>,
    /// Combinations on the same resources share a lane, so that a wait is decided once for all of them.
    lanes: Vec<Lane>,
    lane_ids: HashMap<Resources, usize>,
    waiting: HashMap<usize, Waiting>,
    /// Group, trials, index: conditions that are compared stay interleaved, because only the first of a group has a
    /// place in a lane. Its members share their units, so no time is lost by that.
    groups: BTreeSet<(u64, u32, usize)>,
    /// Lane, trials, index: the firsts of their groups.
    fronts: BTreeSet<(usize, u32, usize)>,
    /// Lanes with somebody in front and all resources free.
    ready: BTreeSet<usize>,
    /// Lanes that were passed over too often, the longest first.
    due: BTreeSet<(u64, usize)>,
    /// Trials that were begun.
    taken: u64,
}

#[derive(Debug)]
struct Resource {
    capacity: u32,
    used: u32,
    /// Expected time of everything that needs it, running trials included.
    load_ns: i128,
    lanes: Vec<usize>,
}

#[derive(Debug)]
struct Lane {
    /// In the order of their names.
    resources: Vec<usize>,
    /// Combinations in front of their groups.
    fronts: usize,
    /// Resources that are in full use.
    blocked: usize,
    /// Expected time of the combinations that have a trial now.
    running: Vec<i64>,
    /// Trials that took a resource from it while somebody waited here.
    passed: u64,
    /// The latest of them.
    passed_by: u64,
    /// Since when it is due.
    due: Option<u64>,
}

#[derive(Debug)]
struct Waiting {
    lane: usize,
    group: u64,
    trials: u32,
    remaining_ns: i64,
}

impl Schedule {
    /// A combination wants its next trial.
    pub(crate) fn want(&mut self, job: Job) {
        let Job { index, resources, group, trials, remaining_ns, trial_ns } = job;
        self.withdraw(index);
        let lane = self.lane(&resources);
        let remaining_ns = remaining_ns.max(trial_ns);
        self.shift(lane, remaining_ns);
        let before = self.first_of(group);
        self.groups.insert((group, trials, index));
        self.waiting.insert(index, Waiting { lane, group, trials, remaining_ns });
        self.change_front(before, self.first_of(group));
    }

    /// Takes the next combination that can run now, and its resources with it.
    pub(crate) fn take(&mut self) -> Option<usize> {
        let lane = self.choose()?;
        let (_, _, index) = *self.fronts.range((lane, 0, 0)..).next().filter(|(of, ..)| *of == lane)?;
        let remaining_ns = self.remove(index)?.remaining_ns;
        self.lanes[lane].running.push(remaining_ns);
        self.taken += 1;
        self.forgive(lane);
        self.lanes[lane].passed_by = self.taken;
        for id in self.lanes[lane].resources.clone() {
            self.resources[id].used += 1;
            for other in self.resources[id].lanes.clone() {
                self.pass_over(other);
            }
            if self.resources[id].used == self.resources[id].capacity {
                self.block(id, true);
            }
        }
        Some(index)
    }

    /// Gives the resources of a trial back.
    pub(crate) fn give_back(&mut self, resources: &Resources) {
        let lane = self.lane(resources);
        let Some(remaining_ns) = self.lanes[lane].running.pop() else { return };
        self.shift(lane, -remaining_ns);
        for id in self.lanes[lane].resources.clone() {
            if self.resources[id].used == self.resources[id].capacity {
                self.block(id, false);
            }
            self.resources[id].used -= 1;
        }
    }

    /// Forgets a combination that waits; tells whether it waited.
    pub(crate) fn withdraw(&mut self, index: usize) -> bool {
        let Some(waiting) = self.remove(index) else { return false };
        self.shift(waiting.lane, -waiting.remaining_ns);
        true
    }

    /// How often a lane may be passed over before its resources are kept for it; after that, only those lanes are ahead
    /// of it, once each, that were due before. Every other lane may be ahead of it
    /// several times before a busier resource is worked off; only what goes beyond that is starvation.
    fn patience(&self) -> u64 {
        32 + 8 * self.lanes.len() as u64
    }

    fn choose(&self) -> Option<usize> {
        if self.due.is_empty() {
            return self.busiest(|_| false);
        }
        // What the one that waits longest needs is kept free of everybody after it.
        let mut kept = BTreeSet::new();
        for (_, lane) in &self.due {
            let needs = &self.lanes[*lane].resources;
            if self.ready.contains(lane) && needs.iter().all(|id| !kept.contains(id)) {
                return Some(*lane);
            }
            kept.extend(needs.iter().copied());
        }
        self.busiest(|id| kept.contains(&id))
    }

    /// The ready lane with the busiest resources, none of which is `kept`.
    fn busiest(&self, kept: impl Fn(usize) -> bool) -> Option<usize> {
        let (mut best, mut best_loads, mut loads) = (None, Vec::new(), Vec::new());
        for lane in &self.ready {
            let needs = &self.lanes[*lane].resources;
            if needs.iter().any(|id| kept(*id)) {
                continue;
            }
            loads.clear();
            loads.extend(needs.iter().map(|id| self.resources[*id].load_ns / i128::from(self.resources[*id].capacity)));
            loads.sort_unstable_by(|a, b| b.cmp(a));
            if best.is_none() || loads.cmp(&best_loads) == Ordering::Greater {
                best = Some(*lane);
                std::mem::swap(&mut best_loads, &mut loads);
            }
        }
        best
    }

    fn lane(&mut self, resources: &Resources) -> usize {
        if let Some(lane) = self.lane_ids.get(resources) {
            return *lane;
        }
        let lane = self.lanes.len();
        let names: BTreeSet<&Arc<str>> = resources.iter().collect();
        let ids: Vec<usize> = names.into_iter().map(|name| self.resource(name)).collect();
        let mut blocked = 0;
        for id in &ids {
            let resource = &mut self.resources[*id];
            resource.lanes.push(lane);
            blocked += usize::from(resource.used == resource.capacity);
        }
        self.lane_ids.insert(resources.clone(), lane);
        let running = Vec::new();
        self.lanes.push(Lane { resources: ids, fronts: 0, blocked, running, passed: 0, passed_by: 0, due: None });
        lane
    }

    fn resource(&mut self, name: &Arc<str>) -> usize {
        if let Some(id) = self.resource_ids.get(name) {
            return *id;
        }
        let id = self.resources.len();
        self.resources.push(Resource { capacity: capacity(name), used: 0, load_ns: 0, lanes: Vec::new() });
        self.resource_ids.insert(name.clone(), id);
        id
    }

    /// Expected work comes to the resources of a lane, or leaves them.
    fn shift(&mut self, lane: usize, by_ns: i64) {
        for id in &self.lanes[lane].resources {
            self.resources[*id].load_ns += i128::from(by_ns);
        }
    }

    fn first_of(&self, group: u64) -> Option<(u32, usize)> {
        self.groups.range((group, 0, 0)..).next().filter(|(of, ..)| *of == group).map(|(_, t, index)| (*t, *index))
    }

    fn remove(&mut self, index: usize) -> Option<Waiting> {
        let group = self.waiting.get(&index)?.group;
        let before = self.first_of(group);
        let trials = self.waiting[&index].trials;
        self.groups.remove(&(group, trials, index));
        self.change_front(before, self.first_of(group));
        self.waiting.remove(&index)
    }

    /// The first of a group has its place in a lane, and nobody else of it.
    fn change_front(&mut self, before: Option<(u32, usize)>, after: Option<(u32, usize)>) {
        if before == after {
            return;
        }
        // First in, then out: a lane that is never empty meanwhile keeps the count of its wait.
        if let Some((trials, index)) = after {
            let lane = self.waiting[&index].lane;
            self.fronts.insert((lane, trials, index));
            self.lanes[lane].fronts += 1;
            self.look_at(lane);
        }
        if let Some((trials, index)) = before {
            let lane = self.waiting[&index].lane;
            self.fronts.remove(&(lane, trials, index));
            self.lanes[lane].fronts -= 1;
            self.look_at(lane);
        }
    }

    fn look_at(&mut self, lane: usize) {
        let waits = &mut self.lanes[lane];
        if waits.fronts > 0 && waits.blocked == 0 {
            self.ready.insert(lane);
        } else {
            self.ready.remove(&lane);
        }
        // Nobody waits here, so nothing is kept for anybody.
        if waits.fronts == 0 {
            self.forgive(lane);
        }
    }

    fn forgive(&mut self, lane: usize) {
        self.lanes[lane].passed = 0;
        if let Some(since) = self.lanes[lane].due.take() {
            self.due.remove(&(since, lane));
        }
    }

    fn block(&mut self, resource: usize, full: bool) {
        for lane in self.resources[resource].lanes.clone() {
            if full {
                self.lanes[lane].blocked += 1;
            } else {
                self.lanes[lane].blocked -= 1;
            }
            self.look_at(lane);
        }
    }

    fn pass_over(&mut self, lane: usize) {
        let patience = self.patience();
        let (taken, waits) = (self.taken, &mut self.lanes[lane]);
        if waits.fronts == 0 || waits.passed_by == taken {
            return;
        }
        waits.passed_by = taken;
        waits.passed += 1;
        if waits.passed > patience && waits.due.is_none() {
            waits.due = Some(taken);
            self.due.insert((taken, lane));
        }
    }
}
