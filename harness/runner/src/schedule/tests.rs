use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rigtone_model::plan::capacity;

use super::{Job, Resources, Schedule};

fn resources(names: &[&str]) -> Resources {
    names.iter().map(|n| (*n).into()).collect()
}

fn job(index: usize, resources: &Resources, trials: u32, remaining_ns: i64) -> Job {
    Job { index, resources: resources.clone(), group: index as u64, trials, remaining_ns, trial_ns: 1 }
}

#[test]
fn combinations_on_disjoint_resources_run_together_and_others_wait() {
    let mut schedule = Schedule::default();
    let (a, b, ab) = (resources(&["a"]), resources(&["b"]), resources(&["a", "b"]));
    schedule.want(job(0, &ab, 0, 1));
    schedule.want(job(1, &a, 0, 1));
    schedule.want(job(2, &b, 0, 1));
    assert_eq!(schedule.take(), Some(0));
    assert_eq!(schedule.take(), None);
    schedule.give_back(&ab);
    assert_eq!(schedule.take(), Some(1));
    assert_eq!(schedule.take(), Some(2));
}

#[test]
fn on_the_same_resources_the_fewest_trials_come_first() {
    let mut schedule = Schedule::default();
    let a = resources(&["a"]);
    schedule.want(job(0, &a, 3, 9));
    schedule.want(job(1, &a, 2, 1));
    assert_eq!(schedule.take(), Some(1));
}

#[test]
fn the_resource_with_most_work_ahead_is_never_left_to_a_less_busy_one() {
    let mut schedule = Schedule::default();
    // The dongle could serve either speaker; the room that sounds is the one with more to do.
    let (quiet, sounding) = (resources(&["dongle", "speaker-1"]), resources(&["dongle", "room", "speaker-2"]));
    schedule.want(job(0, &quiet, 0, 10));
    schedule.want(job(1, &sounding, 0, 20));
    schedule.want(job(2, &resources(&["room", "speaker-3"]), 5, 30));
    assert_eq!(schedule.take(), Some(1));
}

#[test]
fn as_many_trials_search_in_one_room_as_its_airtime_allows() {
    let mut schedule = Schedule::default();
    let most = capacity("airtime lab") as usize;
    let sets: Vec<Resources> = (0..=most).map(|i| resources(&["airtime lab", &format!("unit {i}")])).collect();
    for (index, set) in sets.iter().enumerate() {
        schedule.want(job(index, set, 0, 1));
    }
    let begun: Vec<usize> = std::iter::from_fn(|| schedule.take()).collect();
    assert_eq!(begun.len(), most);
    schedule.give_back(&sets[begun[0]]);
    assert_eq!(schedule.take(), Some(most));
}

#[test]
fn a_withdrawn_combination_gets_no_trial_and_leaves_no_work_behind() {
    let mut schedule = Schedule::default();
    let (a, ab, bc) = (resources(&["a"]), resources(&["a", "b"]), resources(&["b", "c"]));
    schedule.want(job(0, &a, 0, 100));
    schedule.want(job(1, &ab, 0, 1));
    schedule.want(job(2, &bc, 0, 2));
    assert!(schedule.withdraw(0));
    assert!(!schedule.withdraw(0), "it waits no more");
    // b: 3, c: 2, a: 1. With the work of the first still counted, `a` would be the busiest.
    assert_eq!(schedule.take(), Some(2));
}

/// Two streams of trials that never leave both resources free at once.
#[test]
fn a_combination_that_needs_two_busy_resources_is_not_starved_by_those_that_need_one() {
    const EACH: u32 = 1000;
    let mut schedule = Schedule::default();
    let sets = [resources(&["a"]), resources(&["b"]), resources(&["a", "b"])];
    // a and b begin together once: the pair comes when they are out of step.
    for index in [0, 1] {
        schedule.want(job(index, &sets[index], 0, i64::from(EACH)));
    }
    assert!(schedule.take().is_some() && schedule.take().is_some());
    schedule.want(job(2, &sets[2], 0, 1));
    let (mut passed, mut turn) = (0, 0);
    loop {
        schedule.give_back(&sets[turn]);
        schedule.want(job(turn, &sets[turn], passed, i64::from(EACH - passed)));
        match schedule.take() {
            Some(2) => break,
            Some(index) => {
                assert_eq!(index, turn);
                passed += 1;
                assert!(u64::from(passed) <= schedule.patience() + 1, "passed over {passed} times");
                turn = 1 - turn;
            }
            // Kept for the pair: the other one ends now, and nothing else begins.
            None => turn = 1 - turn,
        }
    }
    assert!(u64::from(passed) >= schedule.patience(), "its resources were kept before that was needed");
}

/// A combination of the property below.
#[derive(Debug, Clone)]
struct Member {
    resources: Resources,
    group: u64,
    /// How long its trials take.
    takes: Vec<u64>,
    /// It is given up after so many trials, wherever it then is.
    benched_after: Option<usize>,
    /// The schedule knows the work only roughly.
    expected: i64,
}

/// What else it needs, how long its trials take, when it is given up, what is expected of it.
type Drawn = (BTreeSet<&'static str>, Vec<u64>, Option<usize>, i64);

/// Groups of one to three combinations that share a unit, as groups do, and differ in what else they need.
fn members() -> impl Strategy<Value = Vec<Member>> {
    let others = prop::collection::btree_set(prop::sample::select(vec!["room", "mic", "airtime lab", "dongle"]), 0..4);
    let member =
        (others, prop::collection::vec(1_u64..20, 1..40), prop::option::weighted(0.2, 0_usize..20), 1_i64..300);
    let group = (0_usize..5, prop::collection::vec(member, 1..4));
    prop::collection::vec(group, 1..8).prop_map(|groups| {
        let of = |(group, (unit, members)): (usize, (usize, Vec<Drawn>))| {
            members.into_iter().map(move |(others, takes, benched_after, expected)| {
                let names: BTreeSet<String> =
                    others.into_iter().map(str::to_owned).chain([format!("unit {unit}")]).collect();
                let resources = names.iter().map(|n| n.as_str().into()).collect();
                Member { resources, group: group as u64, takes, benched_after, expected }
            })
        };
        groups.into_iter().enumerate().flat_map(of).collect()
    })
}

/// What the property sees from outside.
#[derive(Default)]
struct Watch {
    running: BTreeMap<(u64, usize), ()>,
    waiting: BTreeMap<usize, u32>,
    /// By set of resources: trials of others that took one of them while somebody in front of its group waited.
    passed: BTreeMap<Resources, u64>,
}

impl Watch {
    fn in_front(&self, members: &[Member], index: usize) -> bool {
        let rivals = self.waiting.iter().filter(|(i, _)| members[**i].group == members[index].group);
        rivals.map(|(i, trials)| (*trials, *i)).min() == Some((self.waiting[&index], index))
    }

    /// Who steps back behind another of its group has not been passed over by strangers: its count begins anew.
    fn keep_count<'m>(&mut self, members: &'m [Member]) -> BTreeSet<&'m Resources> {
        let first = self.waiting.keys().filter(|i| self.in_front(members, **i));
        let in_front: BTreeSet<&Resources> = first.map(|i| &members[*i].resources).collect();
        self.passed.retain(|set, _| in_front.contains(set));
        in_front
    }

    fn began(&mut self, members: &[Member], index: usize) -> Result<(), TestCaseError> {
        prop_assert!(self.waiting.contains_key(&index), "{index} did not want a trial");
        prop_assert!(self.in_front(members, index), "{index} ran ahead of its group");
        self.waiting.remove(&index);
        let needs = &members[index].resources;
        for name in needs.iter() {
            let users = self.running.keys().filter(|(_, i)| members[*i].resources.contains(name)).count();
            prop_assert!((users as u32) < capacity(name), "{name} was taken by more than it bears");
        }
        self.passed.remove(needs);
        let in_front = self.keep_count(members);
        for set in in_front.into_iter().filter(|set| *set != needs && set.iter().any(|name| needs.contains(name))) {
            *self.passed.entry(set.clone()).or_default() += 1;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_overlaps_or_starves_or_locks_and_everything_gets_all_its_trials(members in members()) {
        let mut schedule = Schedule::default();
        let mut watch = Watch::default();
        let mut done = vec![0_usize; members.len()];
        let want = |schedule: &mut Schedule, watch: &mut Watch, index: usize, done: usize| {
            let member = &members[index];
            let trials = done as u32;
            schedule.want(Job {
                index, resources: member.resources.clone(), group: member.group, trials,
                remaining_ns: member.expected - i64::from(trials), trial_ns: 1,
            });
            watch.waiting.insert(index, trials);
            watch.keep_count(&members);
        };
        for index in 0..members.len() {
            want(&mut schedule, &mut watch, index, 0);
        }
        let sets: BTreeSet<&Resources> = members.iter().map(|m| &m.resources).collect();
        // Patience, and then once each of those that were due before.
        let most = schedule.patience() + sets.len() as u64;
        let (mut now, mut ended) = (0, 0_usize);
        loop {
            while let Some(index) = schedule.take() {
                watch.began(&members, index)?;
                watch.running.insert((now + members[index].takes[done[index]], index), ());
                for (set, times) in &watch.passed {
                    prop_assert!(*times <= most, "{set:?} was passed over {times} times");
                }
            }
            let Some(((at, index), ())) = watch.running.pop_first() else { break };
            now = at;
            done[index] += 1;
            ended += 1;
            schedule.give_back(&members[index].resources);
            let benched = |i: usize, ended: usize| members[i].benched_after.is_some_and(|after| ended > after);
            // A member of the rig is given up: whatever needs it and waits goes, and nothing of it comes back.
            let gone: Vec<usize> = watch.waiting.keys().copied().filter(|i| benched(*i, ended)).collect();
            for i in gone {
                prop_assert!(schedule.withdraw(i));
                watch.waiting.remove(&i);
                watch.keep_count(&members);
            }
            if done[index] < members[index].takes.len() && !benched(index, ended) {
                want(&mut schedule, &mut watch, index, done[index]);
            }
        }
        prop_assert!(watch.waiting.is_empty(), "{:?} wait and nothing runs", watch.waiting);
        for (member, done) in members.iter().zip(&done) {
            prop_assert!(*done == member.takes.len() || member.benched_after.is_some_and(|after| ended > after));
        }
        prop_assert!(schedule.resources.iter().all(|r| r.used == 0 && r.load_ns == 0), "{:?}", schedule.resources);
    }
}
