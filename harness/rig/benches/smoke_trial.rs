//! Cost of the audio of one simulated trial: `smoke` rendered and analysed, 4 s at 48 kHz. Budget: 30 ms of CPU.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rigtone_air::{AirPath, Codec, Microphone, Renderer, Room, Sound};
use rigtone_audio::measure::{Analyser, Emission, Expectation, Recording};
use rigtone_audio::stimulus::{Name, Stimulus};

const RATE: u32 = 48_000;
const EMITTED: f64 = 4800.0;

fn smoke_trial(criterion: &mut Criterion) {
    let stimulus = Stimulus::build(Name::Smoke, RATE, 7).expect("the rate is supported");
    let room = Some(Room { rt60_s: 0.4, seed: 1 });
    let path =
        AirPath { codec: Codec::Sbc { bitpool: 53 }, latency_s: 0.18, drift_ppm: 12.0, room, ..AirPath::default() };
    let microphone = Microphone { noise_dbfs: -65.0, ..Microphone::default() };
    let cut = [80_000.0..f64::INFINITY];
    let sound = Sound { stimulus: &stimulus, path: &path, emitted_at: EMITTED, silences: &[], flaws: None };
    let lost = Sound { silences: &cut, ..sound };
    let emission = Some(Emission { frame: EMITTED, uncertainty_s: 0.0 });
    let expectation = Expectation { emission, flight_s: path.flight_s(), ..Expectation::default() };

    let mut group = criterion.benchmark_group("smoke_trial");
    for (name, sounds) in [("heard", &[sound][..]), ("power lost", &[lost]), ("silent", &[])] {
        let (mut renderer, mut analyser) = (Renderer::new(), Analyser::new());
        let mut seed = 0;
        group.bench_function(name, |bencher| {
            let next = || {
                seed += 1;
                seed
            };
            bencher.iter_batched(
                next,
                |seed| {
                    let samples = renderer.record(4 * RATE as usize, sounds, &microphone, seed);
                    analyser.analyse(&Recording::mono(RATE, &samples), &stimulus, &expectation)
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, smoke_trial);
criterion_main!(benches);
