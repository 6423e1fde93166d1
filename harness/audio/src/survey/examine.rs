//! From a recording to a survey.

use super::aligned::Aligned;
use super::carried::measured;
use super::findings::{ChannelFindings, Floor, Loudness, Steadiness, Survey};
use super::response::ResponseFigures;
use super::settings::Settings;
use crate::channels::{CODE_FRAMES, Carries, Content, Heard, Howling, doubled, heard, howling, layout_from, polarity};
use crate::continuity::{self, Continuity, EventKind, Place};
use crate::excerpt::Excerpt;
use crate::fingerprint::{Fingerprint, fingerprint, probe};
use crate::loudness::{Chain, Weighting, chain, hum, ladder, level, noise_floor, snr, sound_pressure};
use crate::measure::{Analyser, CaptureFault, Expectation, Outcome, Presence, Reason, Recording};
use crate::response::{Deconvolver, TONE_HZ, ThdN, thd_n};
use crate::stimulus::{ChannelCodes, Part, PartKind, Stimulus, sweep};

/// The band of the pseudo-noise in Hz.
const NOISE_HZ: (f64, f64) = (300.0, 14_000.0);
/// The top of the markers and codes, of the pseudo-noise, of A-weighted levels, and of sweep and distortion, in Hz: a recording that was made
/// at a lower rate does not hold them.
const CODES_HZ: f64 = 8_000.0;
const WEIGHTED_HZ: f64 = 16_000.0;
const AUDIBLE_HZ: f64 = 20_000.0;
/// A room takes this long to build up under a tone, and a tone ends so early.
const SETTLE_S: f64 = 0.5;
const RELEASE_S: f64 = 0.02;
/// The sweep may come so early, and its end is followed so long.
const EARLY_S: f64 = 0.02;
const TAIL_S: f64 = 0.6;
/// Behind a channel code: as long as copies are looked for.
const COPIES_S: f64 = 0.55;

/// Recording and stimulus, one on the time of the other.
struct Examination<'a> {
    stimulus: &'a Stimulus,
    settings: &'a Settings,
    aligned: Result<Aligned<'a>, Reason>,
}

impl Survey {
    /// Looks for `stimulus` in one channel of `recording` and measures all that its parts carry.
    ///
    /// # Errors
    /// [`CaptureFault`] when the recording is no recording: that is the rig's fault. Whatever the device may have done comes as findings.
    pub fn of(
        recording: &Recording<'_>,
        stimulus: &Stimulus,
        expectation: &Expectation,
        settings: &Settings,
    ) -> Result<Self, CaptureFault> {
        Self::with(&mut Analyser::new(), recording, stimulus, expectation, settings)
    }

    /// The same with an analyser that was used before: it keeps what repeats.
    ///
    /// # Errors
    /// As [`Survey::of`].
    pub fn with(
        analyser: &mut Analyser,
        recording: &Recording<'_>,
        stimulus: &Stimulus,
        expectation: &Expectation,
        settings: &Settings,
    ) -> Result<Self, CaptureFault> {
        let mut findings = analyser.analyse(recording, stimulus, expectation)?;
        if let Err(why) = settings.carries(CODES_HZ) {
            findings.presence = Presence::Inconclusive { why };
            findings.arrival = Outcome::Inconclusive(why);
            findings.latency = Outcome::Inconclusive(why);
            findings.level = Outcome::Inconclusive(why);
        }
        let samples = Excerpt::of(recording, expectation.channel)?;
        let aligned = Aligned::new(&samples, &findings, stimulus);
        let this = Examination { stimulus, settings, aligned };
        let chain = this.part(|kind| matches!(kind, PartKind::LadderStep { .. })).map(|part| this.chain(part));
        // A chain that moves its gain makes every other level a matter of when and how loud.
        let linear = match &chain {
            Some(Outcome::Measured(chain)) if chain.controlled => Err(chain.reason()),
            _ => Ok(()),
        };
        let silence = measured(stimulus.positions(), |kind| kind == PartKind::Silence);
        let noise = measured(stimulus.positions(), |kind| kind == PartKind::Noise);
        let steadiness = match noise {
            Some(part) => Some(Steadiness {
                continuity: this.continuity(recording, expectation, part, linear)?,
                howling: this.howling(part),
            }),
            None => None,
        };
        Ok(Self {
            floor: silence.map(|part| this.floor(part, linear)),
            channels: ChannelCodes::of(stimulus).map(|codes| this.channels(&codes)),
            response: this.part(|kind| matches!(kind, PartKind::Sweep { .. })).map(|part| this.response(part, linear)),
            fingerprint: this.part(|kind| kind == PartKind::Probe).map(|part| this.fingerprint(part)),
            thd_n: this.part(|kind| matches!(kind, PartKind::Tone { .. })).map(|part| this.thd_n(part, linear)),
            loudness: noise.map(|part| this.loudness(part, linear, chain.as_ref())),
            steadiness,
            chain,
            findings,
        })
    }
}

impl Examination<'_> {
    fn part(&self, wanted: impl Fn(PartKind) -> bool) -> Option<&Part> {
        self.stimulus.positions().first(wanted)
    }

    fn frames(&self, seconds: f64) -> usize {
        (seconds * f64::from(self.stimulus.rate())).round() as usize
    }

    fn with<T>(&self, measure: impl FnOnce(&Aligned<'_>) -> Result<Outcome<T>, Reason>) -> Outcome<T> {
        let measured = self.aligned.as_ref().map_err(|why| *why).and_then(measure);
        measured.unwrap_or_else(Outcome::Inconclusive)
    }

    /// The silence before the stimulus: noise for every measurement that weighs against it.
    fn silence<'b>(&self, aligned: &'b Aligned<'_>) -> Result<Excerpt<'b>, Reason> {
        let part = self.part(|kind| kind == PartKind::Silence).ok_or(Reason::NoFloor)?;
        aligned.silence(part)
    }

    fn howling(&self, part: &Part) -> Outcome<Howling> {
        self.with(|aligned| {
            let mut found = howling(&aligned.about(part.start, part.frames)?);
            if let Outcome::Measured(found) = &mut found {
                let start_s = aligned.seconds(part.start);
                for howl in &mut found.howls {
                    howl.from_s += start_s;
                    howl.to_s += start_s;
                }
            }
            Ok(found)
        })
    }

    fn floor(&self, silence: &Part, linear: Result<(), Reason>) -> Floor {
        Floor {
            noise: self.with(|aligned| {
                self.settings.carries(WEIGHTED_HZ)?;
                Ok(noise_floor(&aligned.silence(silence)?))
            }),
            hum: self.with(|aligned| Ok(hum(&aligned.silence(silence)?))),
            snr: self.with(|aligned| {
                linear?;
                self.settings.carries(NOISE_HZ.1)?;
                let part = self.part(|kind| kind == PartKind::Noise).ok_or(Reason::NoFloor)?;
                Ok(snr(&aligned.raw(part.start, part.frames)?, &aligned.silence(silence)?, NOISE_HZ))
            }),
        }
    }

    fn channels(&self, codes: &ChannelCodes) -> ChannelFindings {
        let test = &codes.test;
        let found: Outcome<Heard> =
            self.with(|aligned| Ok(heard(&aligned.straight(codes.start, test.left.len())?, test)));
        let right = found.measured().is_some_and(|heard| {
            heard.carries == Carries::Right || (heard.carries != Carries::Left && heard.ratio_db < 0.0)
        });
        let (content, reference) =
            if right { (Content::RightOnly, &test.right_code) } else { (Content::LeftOnly, &test.left_code) };
        let start = test.parts.iter().find(|part| part.content == content).map_or(0, |part| part.start) + codes.start;
        let code = |aligned: &Aligned<'_>| aligned.straight(start, CODE_FRAMES + self.frames(COPIES_S));
        ChannelFindings {
            layout: self.settings.nearer.map(|nearer| layout_from(&found, nearer)),
            polarity: self.with(|aligned| Ok(polarity(&code(aligned)?, reference))),
            doubled: self.with(|aligned| Ok(doubled(&code(aligned)?, reference))),
            heard: found,
        }
    }

    fn chain(&self, first: &Part) -> Outcome<Chain> {
        self.with(|aligned| {
            let ladder = ladder(self.stimulus.rate(), self.stimulus.code());
            Ok(chain(&aligned.raw(first.start, ladder.samples.len())?, &ladder, &self.silence(aligned)?))
        })
    }

    fn response(&self, part: &Part, linear: Result<(), Reason>) -> Outcome<ResponseFigures> {
        self.with(|aligned| {
            linear?;
            self.settings.carries(AUDIBLE_HZ)?;
            // Drift changes the magnitude of a sweep by next to nothing; a resampler would cost the highest frequencies.
            let early = self.frames(EARLY_S);
            let recording = aligned.raw(part.start - early, early + part.frames + self.frames(TAIL_S))?;
            let found = Deconvolver::new(sweep(self.stimulus.rate())).response(&recording, &self.silence(aligned)?);
            Ok(match found {
                Outcome::Measured(response) => {
                    Outcome::Measured(ResponseFigures::new(match &self.settings.microphone {
                        Some(microphone) => response.corrected(microphone.clone()),
                        None => response,
                    }))
                }
                Outcome::Inconclusive(why) => Outcome::Inconclusive(why),
            })
        })
    }

    fn fingerprint(&self, part: &Part) -> Outcome<Fingerprint> {
        self.with(|aligned| {
            let rate = self.stimulus.rate();
            self.settings.carries(f64::from(rate) / 2.0)?;
            let probe =
                probe(rate, self.stimulus.code()).map_err(|_| Reason::WrongRate { have: rate, need: 48_000 })?;
            Ok(fingerprint(&aligned.straight(part.start, part.frames)?, &probe, &self.silence(aligned)?))
        })
    }

    fn thd_n(&self, part: &Part, linear: Result<(), Reason>) -> Outcome<ThdN> {
        self.with(|aligned| {
            linear?;
            self.settings.carries(AUDIBLE_HZ)?;
            let (settle, release) = (self.frames(SETTLE_S), self.frames(RELEASE_S));
            let tone = aligned.raw(part.start + settle, part.frames - settle - release)?;
            Ok(thd_n(&tone, TONE_HZ, &self.silence(aligned)?, self.settings.thd_n_limit_db))
        })
    }

    fn loudness(&self, part: &Part, linear: Result<(), Reason>, chain: Option<&Outcome<Chain>>) -> Loudness {
        let a_weighted = self.with(|aligned| {
            linear?;
            self.settings.carries(WEIGHTED_HZ)?;
            Ok(level(&aligned.raw(part.start, part.frames)?, Weighting::A))
        });
        let calibration = self.settings.calibration.as_ref();
        let sound_pressure = calibration.map(|figure| sound_pressure(&a_weighted, Some(figure), chain));
        Loudness { a_weighted, sound_pressure }
    }

    /// Follows the noise even where the rest of the stimulus does not lie on one line of time: that is what it is for.
    fn continuity(
        &self,
        recording: &Recording<'_>,
        expectation: &Expectation,
        part: &Part,
        linear: Result<(), Reason>,
    ) -> Result<Outcome<Continuity>, CaptureFault> {
        let aligned = match &self.aligned {
            Ok(aligned) => aligned,
            Err(why) => return Ok(Outcome::Inconclusive(*why)),
        };
        if let Err(why) = self.settings.carries(NOISE_HZ.1) {
            return Ok(Outcome::Inconclusive(why));
        }
        let frame = aligned.frame + (1.0 + aligned.drift) * part.start as f64;
        let place = Place { frame, drift_ppm: aligned.drift * 1e6 };
        let settings = continuity::Settings {
            wanted_gap_s: self.settings.wanted_gap_s,
            capture_proven: expectation.capture_proven,
        };
        let reference = &self.stimulus.samples()[part.range()];
        let mut found = continuity::examine(recording, expectation.channel, reference, place, settings)?;
        if let Err(why) = linear {
            // Gain control lets the start of a sound through louder: beside the reference that looks like another sound.
            found.events.retain(|event| !matches!(event.kind, EventKind::Click { .. } | EventKind::Burst { .. }));
            found.clicks = Outcome::Inconclusive(why);
        }
        Ok(Outcome::Measured(found))
    }
}
