//! Waveform and spectrogram.

use rigtone_audio::{fft::Fft, window::hann};

use super::{Heard, RANGE_DB};

/// Columns of a waveform.
const COLUMNS: usize = 500;
/// Columns and rows of a spectrogram.
const WIDE: usize = 420;
const HIGH: usize = 96;
const SIZE: usize = 1024;
/// The highest frequency that is drawn.
const TOP_HZ: f64 = 12_000.0;

/// Sixteen colours from dark to bright whose order can be seen by everybody and in grey: viridis (S. van der Walt, N. Smith, 2015).
const COLOURS: [[u8; 3]; 16] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x18, 0x6a],
    [0x47, 0x2d, 0x7b],
    [0x42, 0x40, 0x86],
    [0x3b, 0x52, 0x8b],
    [0x33, 0x63, 0x8d],
    [0x2c, 0x72, 0x8e],
    [0x26, 0x82, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x1f, 0xa0, 0x88],
    [0x28, 0xae, 0x80],
    [0x3f, 0xbc, 0x73],
    [0x5e, 0xc9, 0x62],
    [0x84, 0xd4, 0x4b],
    [0xad, 0xdc, 0x30],
    [0xfd, 0xe7, 0x25],
];

/// The lowest and the highest sample of each column, and the largest of all.
pub(crate) fn envelope(samples: &[f32]) -> (Vec<(f32, f32)>, f32) {
    let each = samples.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<(f32, f32)> = samples
        .chunks(each)
        .map(|column| column.iter().fold((f32::MAX, f32::MIN), |(low, high), s| (low.min(*s), high.max(*s))))
        .collect();
    let peak = columns.iter().fold(0.0f32, |peak, (low, high)| peak.max(low.abs()).max(high.abs()));
    (columns, peak)
}

/// A PNG of the power over time and frequency, bright where it is loud, and its highest frequency in Hz.
pub(crate) fn spectrogram(fft: &mut Fft<f32>, heard: &Heard) -> Option<(Vec<u8>, f64)> {
    let samples = &heard.samples;
    if samples.is_empty() {
        return None;
    }
    let half_hz = f64::from(heard.rate) / 2.0;
    let top_hz = TOP_HZ.min(half_hz);
    let window: Vec<f32> = hann(SIZE).into_iter().map(|w| w as f32).collect();
    let wide = WIDE.min(samples.len().div_ceil(SIZE / 8).max(1));
    let mut powers = vec![0.0f32; wide * HIGH];
    let mut piece = vec![0.0f32; SIZE];
    for column in 0..wide {
        // Each column is the spectrum around its middle.
        let middle = (column * 2 + 1) * samples.len() / (wide * 2);
        let begin = middle as i64 - (SIZE / 2) as i64;
        for (n, (slot, weight)) in piece.iter_mut().zip(&window).enumerate() {
            let sample = usize::try_from(begin + n as i64).ok().and_then(|at| samples.get(at));
            *slot = sample.copied().unwrap_or(0.0) * weight;
        }
        let spectrum = fft.forward(&piece, SIZE);
        let bins = spectrum.len() as f64 * top_hz / half_hz;
        for row in 0..HIGH {
            let bin = |row: usize| (row as f64 * bins / HIGH as f64) as usize;
            let (from, to) = (bin(row), bin(row + 1).max(bin(row) + 1));
            let power = spectrum.get(from..to.min(spectrum.len())).unwrap_or_default();
            // The first row is the highest frequency.
            powers[(HIGH - 1 - row) * wide + column] = power.iter().fold(0.0, |most, b| most.max(b.norm_sqr()));
        }
    }
    let loudest = powers.iter().copied().fold(1e-12f32, f32::max);
    let level = |power: &f32| {
        let db = 10.0 * f64::from((power / loudest).max(1e-12)).log10();
        ((1.0 + db / RANGE_DB).clamp(0.0, 1.0) * 15.0).round() as u8
    };
    let rows = powers.chunks(wide).flat_map(|row| {
        row.chunks(2).map(|two| (level(&two[0]) << 4) | two.get(1).map_or(0, &level)).collect::<Vec<u8>>()
    });
    let pixels: Vec<u8> = rows.collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(wide).ok()?, HIGH as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette(COLOURS.concat());
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some((file, top_hz))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64) -> Heard {
        let omega = 2.0 * std::f64::consts::PI * hz / 48_000.0;
        let samples = (0..48_000).map(|n| 0.1 * (omega * f64::from(n)).sin() as f32).collect();
        Heard { rate: 48_000, samples, first: 0.0, step: 1.0 / 48_000.0 }
    }

    #[test]
    fn a_tone_is_a_bright_line_at_its_frequency() {
        for hz in [500.0, 3000.0, 9000.0] {
            let (file, top_hz) = spectrogram(&mut Fft::default(), &tone(hz)).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let (width, height) = (reader.info().width as usize, reader.info().height as usize);
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut pixels).unwrap();
            let line = width.div_ceil(2);
            let brightness =
                |row: usize| pixels[row * line..(row + 1) * line].iter().map(|p| u32::from(p >> 4)).sum::<u32>();
            let brightest = (0..height).max_by_key(|row| brightness(*row)).unwrap();
            let expected = (1.0 - hz / top_hz) * height as f64;
            assert!((brightest as f64 + 0.5 - expected).abs() <= 1.5, "{hz} Hz in row {brightest}, not {expected}");
        }
    }

    #[test]
    fn an_envelope_holds_every_extreme() {
        let mut samples = vec![0.0f32; 100_000];
        (samples[777], samples[99_999]) = (0.5, -0.75);
        let (columns, peak) = envelope(&samples);
        assert!(columns.len() <= COLUMNS);
        assert_eq!(peak, 0.75);
        assert_eq!(columns.iter().filter(|c| c.1 == 0.5).count(), 1);
        assert_eq!(columns.last().unwrap().0, -0.75);
    }
}
