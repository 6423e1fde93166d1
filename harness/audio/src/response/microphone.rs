//! Calibration files of measurement microphones (`.txt`, `.cal`, `.frd`): frequency, deviation, sometimes phase, under a header of the maker's own.

/// Why a calibration file is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// No line holds two numbers.
    #[error("the microphone's calibration file has no values (expected lines of frequency in Hz and deviation in dB)")]
    NoValues,
    /// A line among the values is none.
    #[error("line {line} of the microphone's calibration file is no pair of numbers: `{text}`")]
    NotNumbers {
        /// Its number, from 1.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// Frequencies do not rise.
    #[error("line {line} of the microphone's calibration file breaks the rising order of frequencies")]
    Order {
        /// Its number, from 1.
        line: usize,
    },
    /// A value that no microphone has.
    #[error("line {line} of the microphone's calibration file is out of range (0 to 200000 Hz, -100 to 100 dB)")]
    Range {
        /// Its number, from 1.
        line: usize,
    },
}

/// The response of one microphone as its maker measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct MicrophoneResponse {
    points: Vec<(f64, f64)>,
    sensitivity_db: Option<f64>,
    serial: Option<String>,
}

impl MicrophoneResponse {
    /// Reads the text of a calibration file: columns of frequency in Hz, deviation in dB and possibly phase, parted by blanks, tabs, commas or
    /// semicolons, with a decimal point or comma. Comments start with `*`, `#`, `;`, `!`, `/` or a quotation mark; a header line before the first
    /// value may say anything. `Sens Factor =-1.378dB` (miniDSP), `*1000Hz -37.8` (Dayton Audio) and `SERNO: 7001234` are understood.
    ///
    /// # Errors
    /// [`MicrophoneError`] with the line that is at fault.
    pub fn parse(text: &str) -> Result<Self, MicrophoneError> {
        let mut this = Self { points: Vec::new(), sensitivity_db: None, serial: None };
        for (index, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = index + 1;
            let content = raw.trim();
            if content.is_empty() {
                continue;
            }
            let comment = content.starts_with(['*', '#', ';', '!', '/', '"', '\'']);
            let values = if comment { None } else { numbers(content) };
            match values {
                Some(values) if values.len() >= 2 => this.push(line, values[0], values[1])?,
                _ if comment || this.points.is_empty() => this.header(content),
                _ => {
                    let text = content.chars().take(40).collect();
                    return Err(MicrophoneError::NotNumbers { line, text });
                }
            }
        }
        if this.points.is_empty() { Err(MicrophoneError::NoValues) } else { Ok(this) }
    }

    /// A response of such points: frequency in Hz and deviation in dB.
    ///
    /// # Errors
    /// [`MicrophoneError`] with the number of the point that is at fault, from 1, for its line.
    pub fn of(points: Vec<(f64, f64)>) -> Result<Self, MicrophoneError> {
        let mut this = Self { points: Vec::with_capacity(points.len()), sensitivity_db: None, serial: None };
        for (index, (hz, db)) in points.into_iter().enumerate() {
            this.push(index + 1, hz, db)?;
        }
        if this.points.is_empty() { Err(MicrophoneError::NoValues) } else { Ok(this) }
    }

    /// As few of its points as give the same curve within `db` dB (Ramer, Douglas and Peucker, over the logarithm of frequency).
    pub fn thinned(&self, db: f64) -> Vec<(f64, f64)> {
        let mut kept = vec![false; self.points.len()];
        let mut stretches = vec![(0, self.points.len() - 1)];
        while let Some((first, last)) = stretches.pop() {
            (kept[first], kept[last]) = (true, true);
            let ((low_hz, low), (high_hz, high)) = (self.points[first], self.points[last]);
            let slope = (high - low) / (high_hz / low_hz).ln();
            let off = |n: usize| (low + slope * (self.points[n].0 / low_hz).ln() - self.points[n].1).abs();
            let worst = (first + 1..last).map(|n| (off(n), n)).max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, worst)) = worst.filter(|(off, _)| *off > db) {
                stretches.extend([(first, worst), (worst, last)]);
            }
        }
        self.points.iter().zip(kept).filter_map(|(point, kept)| kept.then_some(*point)).collect()
    }

    fn push(&mut self, line: usize, hz: f64, db: f64) -> Result<(), MicrophoneError> {
        if !(hz > 0.0 && hz <= 200_000.0 && db.abs() <= 100.0) {
            return Err(MicrophoneError::Range { line });
        }
        if self.points.last().is_some_and(|(before, _)| *before >= hz) {
            return Err(MicrophoneError::Order { line });
        }
        self.points.push((hz, db));
        Ok(())
    }

    fn header(&mut self, line: &str) {
        let lower = line.to_ascii_lowercase();
        let after = |key: &str| lower.find(key).map(|at| &line[at + key.len()..]);
        if let Some(rest) = after("sens factor").or_else(|| after("sensitivity")).or_else(|| after("1000hz")) {
            self.sensitivity_db = self.sensitivity_db.or_else(|| first_number(rest));
        }
        if let Some(rest) = after("serno").or_else(|| after("serial")) {
            let rest = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            let serial: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            if self.serial.is_none() && !serial.is_empty() {
                self.serial = Some(serial);
            }
        }
    }

    /// Deviation of the microphone in dB at a frequency in Hz, linear in dB over the logarithm of frequency; none outside of the file's
    /// frequencies. Take it off what was measured.
    pub fn db_at(&self, hz: f64) -> Option<f64> {
        let after = self.points.partition_point(|(point, _)| *point < hz);
        let (high_hz, high) = *self.points.get(after)?;
        if high_hz == hz {
            return Some(high);
        }
        let (low_hz, low) = *self.points.get(after.checked_sub(1)?)?;
        Some(low + (high - low) * (hz / low_hz).ln() / (high_hz / low_hz).ln())
    }

    /// The sensitivity figure of the header, in the maker's own reference: dB of a factor (miniDSP) or dB re 1 V/Pa (Dayton Audio).
    pub fn sensitivity_db(&self) -> Option<f64> {
        self.sensitivity_db
    }

    /// The serial number of the header: it must be that of the microphone in use.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// Frequency in Hz and deviation in dB, as in the file.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

/// All columns of a line as numbers, or nothing if one of them is none.
fn numbers(line: &str) -> Option<Vec<f64>> {
    let bytes = line.as_bytes();
    let blank = |at: Option<&u8>| at.is_none_or(u8::is_ascii_whitespace);
    let spaced = line.contains(|c: char| c.is_ascii_whitespace() || c == ';');
    // A comma with a blank behind it, or with nothing else to part the columns, parts them; else it is a decimal comma.
    let parts = !spaced || bytes.iter().enumerate().any(|(at, byte)| *byte == b',' && blank(bytes.get(at + 1)));
    let text: String = line
        .chars()
        .map(|c| {
            if c == ';' || (c == ',' && parts) {
                ' '
            } else if c == ',' {
                '.'
            } else {
                c
            }
        })
        .collect();
    text.split_ascii_whitespace().map(|word| word.parse::<f64>().ok().filter(|value| value.is_finite())).collect()
}

fn first_number(text: &str) -> Option<f64> {
    let start = text.find(|c: char| c.is_ascii_digit() || c == '-' || c == '+')?;
    let rest = &text[start..];
    let end = rest[1..].find(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(rest.len(), |end| end + 1);
    rest[..end].parse().ok()
}
