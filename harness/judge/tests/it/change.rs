//! Change points: how often noise is marked, and how well planted changes are found.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rigtone_judge::{
    binomial,
    change::{Search, changes},
    proportion::Proportion,
};
use rstest::rstest;

fn run(held: u64, trials: u64) -> Proportion {
    Proportion::new(held, trials).unwrap()
}

fn drawn(random: &mut ChaCha8Rng, rate: f64, trials: u64) -> Proportion {
    let held = (0..trials).filter(|_| random.random::<f64>() < rate).count();
    run(held as u64, trials)
}

/// Trials until enough failed or enough are known: the number of them depends on how they went, as in a sequential test.
fn stopped(random: &mut ChaCha8Rng, rate: f64) -> Proportion {
    let (mut held, mut failed) = (0, 0);
    while held < 40 && failed < 4 {
        if random.random::<f64>() < rate { held += 1 } else { failed += 1 }
    }
    run(held, held + failed)
}

/// Of 2000 series without a change at most 1 % may be marked. More than this many would happen with probability 1e-4 if exactly 1 % were.
fn most_marks() -> u64 {
    (0..).find(|k| binomial::at_least(k + 1, 2000, 0.01) < 1e-4).unwrap()
}

#[rstest]
#[case::good(0.98, 20, false)]
#[case::middling(0.9, 20, false)]
#[case::even(0.5, 10, false)]
#[case::long(0.95, 60, false)]
#[case::short(0.8, 4, false)]
#[case::stopped_early(0.9, 20, true)]
#[case::stopped_early_and_bad(0.6, 30, true)]
fn noise_is_marked_in_one_series_of_a_hundred_at_most(#[case] rate: f64, #[case] runs: usize, #[case] stops: bool) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut one = || if stops { stopped(&mut random, rate) } else { drawn(&mut random, rate, 60) };
    let marked = (0..2000)
        .filter(|_| {
            let series: Vec<Proportion> = (0..runs).map(|_| one()).collect();
            !changes(&series, Search::default()).is_empty()
        })
        .count() as u64;
    assert!(marked <= most_marks(), "{marked} of 2000 series without a change are marked");
}

#[rstest]
#[case::wild(0.6, 0.4, 20)]
#[case::mild(0.85, 0.1, 20)]
#[case::wild_and_short(0.6, 0.4, 8)]
#[case::mild_and_long(0.85, 0.1, 60)]
fn nights_that_differ_more_than_chance_allows_are_no_change(
    #[case] low: f64,
    #[case] wide: f64,
    #[case] nights: usize,
) {
    // Each night has a rate of its own: pooled trials would take any two halves for different.
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let marked = (0..2000)
        .filter(|_| {
            let series: Vec<Proportion> = (0..nights)
                .map(|_| {
                    let rate = low + wide * random.random::<f64>();
                    drawn(&mut random, rate, 60)
                })
                .collect();
            !changes(&series, Search::default()).is_empty()
        })
        .count() as u64;
    assert!(marked <= most_marks(), "{marked} of 2000 series without a change are marked");
}

#[rstest]
#[case::worse(0.98, 0.8)]
#[case::better(0.8, 0.98)]
fn a_planted_change_is_found_at_its_place(#[case] before: f64, #[case] after: f64) {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let found = (0..500)
        .filter(|_| {
            let series: Vec<Proportion> =
                (0..20).map(|n| drawn(&mut random, if n < 10 { before } else { after }, 60)).collect();
            matches!(&changes(&series, Search::default())[..], [one] if one.at.abs_diff(10) <= 1)
        })
        .count();
    assert!(found > 475, "{found} of 500 planted changes were found within one run of their place");
}

#[test]
fn a_change_that_was_mended_is_two_changes() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let rate = |n| if (10..20).contains(&n) { 0.6 } else { 0.97 };
    let found = (0..200)
        .filter(|_| {
            let series: Vec<Proportion> = (0..30).map(|n| drawn(&mut random, rate(n), 60)).collect();
            let places: Vec<usize> = changes(&series, Search::default()).iter().map(|change| change.at).collect();
            matches!(places[..], [one, two] if one.abs_diff(10) <= 1 && two.abs_diff(20) <= 1)
        })
        .count();
    assert!(found > 190, "{found} of 200");
}

#[test]
fn a_few_bad_nights_in_the_middle_are_found_though_no_halves_differ() {
    let mut random = ChaCha8Rng::seed_from_u64(17);
    let rate = |n| if (14..17).contains(&n) { 0.7 } else { 0.97 };
    let found = (0..200)
        .filter(|_| {
            let series: Vec<Proportion> = (0..31).map(|n| drawn(&mut random, rate(n), 60)).collect();
            let places: Vec<usize> = changes(&series, Search::default()).iter().map(|change| change.at).collect();
            matches!(places[..], [one, two] if one.abs_diff(14) <= 1 && two.abs_diff(17) <= 1)
        })
        .count();
    assert!(found > 190, "{found} of 200");
}

#[test]
fn a_change_among_restless_nights_is_found_when_its_order_shows_it() {
    let mut random = ChaCha8Rng::seed_from_u64(19);
    let found = (0..100)
        .filter(|_| {
            let night = |n: usize, random: &mut ChaCha8Rng| {
                let rate =
                    if n < 20 { 0.85 + 0.15 * random.random::<f64>() } else { 0.45 + 0.15 * random.random::<f64>() };
                drawn(random, rate, 60)
            };
            let series: Vec<Proportion> = (0..40).map(|n| night(n, &mut random)).collect();
            changes(&series, Search::default()).iter().any(|change| change.at.abs_diff(20) <= 1)
        })
        .count();
    assert!(found > 95, "{found} of 100");
}

#[test]
fn a_year_of_nights_is_searched_as_well() {
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let rate = |n| if (200..230).contains(&n) { 0.8 } else { 0.97 };
    let series: Vec<Proportion> = (0..365).map(|n| drawn(&mut random, rate(n), 60)).collect();
    let places: Vec<usize> = changes(&series, Search::default()).iter().map(|change| change.at).collect();
    assert!(matches!(places[..], [one, two] if one.abs_diff(200) <= 1 && two.abs_diff(230) <= 1), "{places:?}");
}

#[test]
fn a_difference_that_does_not_matter_is_not_marked_however_sure_it_is() {
    let series = [[run(99_000, 100_000); 5], [run(96_000, 100_000); 5]].concat();
    assert!(changes(&series, Search::default()).is_empty());
    assert_eq!(changes(&series, Search { least: 0.02, ..Search::default() }).len(), 1);
}

#[test]
fn runs_without_trials_keep_their_place() {
    let nights = [60, 59, 60, 60, 22, 20, 21, 22].map(|held| [run(held, 60), run(0, 0)]);
    let mut series = nights.concat();
    let found = changes(&series, Search::default());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].at, found[0].before, found[0].after), (8, run(239, 240), run(85, 240)));
    series.retain(|run| run.trials() > 0);
    assert_eq!(changes(&series, Search::default())[0].at, 4);
}

#[test]
fn a_change_says_what_fisher_says_of_its_sides_times_the_places_searched() {
    // Fisher's probability of 60 of 60 beside 20 of 60: 40 failures of 120, all on one side, twice (equal sides).
    let one_sided = (0..40).fold(1.0, |p, i| p * f64::from(60 - i) / f64::from(120 - i));
    let found = changes(&[vec![run(10, 10); 6], vec![run(5, 15); 4]].concat(), Search::default());
    assert_eq!(found.len(), 1);
    // Ten runs can be parted at nine places.
    let expected = 9.0 * 2.0 * one_sided;
    assert!((found[0].p - expected).abs() < 1e-9 * expected, "{} is not {expected}", found[0].p);
}

#[rstest]
#[case::nothing(&[])]
#[case::one_run(&[(3, 60)])]
#[case::no_trials(&[(0, 0), (0, 0)])]
#[case::all_alike(&[(60, 60), (60, 60), (60, 60)])]
#[case::all_failed(&[(0, 60), (0, 60), (0, 60)])]
#[case::too_few_trials(&[(3, 3), (0, 3)])]
#[case::too_few_nights(&[(60, 60), (60, 60), (48, 60)])]
fn what_shows_no_change_has_no_mark(#[case] counts: &[(u64, u64)]) {
    let series: Vec<Proportion> = counts.iter().map(|&(held, trials)| run(held, trials)).collect();
    assert!(changes(&series, Search::default()).is_empty());
}

#[test]
fn the_same_series_has_the_same_marks_every_time() {
    let mut random = ChaCha8Rng::seed_from_u64(13);
    let series: Vec<Proportion> = (0..40)
        .map(|n| {
            let rate = if n < 20 { 0.7 + 0.3 * random.random::<f64>() } else { 0.2 + 0.3 * random.random::<f64>() };
            drawn(&mut random, rate, 60)
        })
        .collect();
    let once = changes(&series, Search::default());
    assert!(once.iter().any(|change| change.at == 20), "{once:?}");
    assert_eq!(once, changes(&series, Search::default()));
}
