//! Events as lines of the log.

use proptest::prelude::*;
use rigtone_model::{
    event::{Body, Event},
    observation::{Observation, Quantity, Value},
};

/// Finite numbers of any size, and those that measurements give.
fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("JSON has no other", |x| x.is_finite()), -200.0..20_000.0]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Judged again from the log, a value on its limit must be on the same side of it.
    #[test]
    fn a_measured_value_reads_back_bit_for_bit(value in figure(), uncertainty in figure(), quality in figure()) {
        let value = Value::Number { value, unit: "ms".to_owned(), uncertainty };
        let mut observation = Observation::raw("play", Quantity::Latency, value);
        observation.quality.insert("drift-ppm".to_owned(), quality);
        let event = Event { seq: 0, t_ns: 0, at: None, body: Body::Observed(observation) };
        let line = event.to_line("run").expect("events are JSON");
        prop_assert_eq!(Event::from_line(&line).expect("what we write we read"), ("run".into(), event));
    }
}
