//! From what the windows said to the findings.

use super::clock::{Tie, clock, median};
use super::findings::{Clicks, Clock, Continuity, Dropouts, Event, EventKind, Jumps, Levels, Origin, Quality, StartUp};
use super::levels;
pub(super) use super::levels::LevelBlock;
use super::scan::{Content, EXTRA_Z};
use super::tracker::{METHOD, METHOD_VERSION, Settings};
use crate::measure::{Outcome, Reason};

/// Gaps closer than this are one.
const MERGE_S: f64 = 0.005;
/// Sound beside the reference for longer is a burst.
const CLICK_S: f64 = 0.005;
/// A gap that begins so early is start-up loss.
const START_S: f64 = 0.02;
/// Shares beyond which too much was hidden, or too little followed.
const MASKED: f64 = 0.1;
const ALIGNED: f64 = 0.9;
/// A level that moves for this share of the time is steered by something: AGC, or a hand.
const MOVING: f64 = 0.3;
/// Uncertainties beyond which levels and drift say nothing.
const LEVEL_DB: f64 = 0.7;
const DRIFT_PPM: f64 = 5.0;

/// A gap in frames of the recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawGap {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) strength: f64,
    pub(super) gain: f64,
    pub(super) content: Content,
    pub(super) sigma: f64,
    pub(super) reference: f64,
}

/// A step of the alignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawJump {
    pub(super) ended: i64,
    pub(super) began: i64,
    /// Frames of the reference by which all comes later.
    pub(super) late: i64,
    /// Frame of the reference with which it goes on.
    pub(super) reference: f64,
    pub(super) sigma: f64,
    pub(super) strength: f64,
    pub(super) origin: Origin,
}

/// Sound beside the reference.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawExtra {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) above_db: f64,
    pub(super) z: f64,
    pub(super) reference: f64,
}

/// Figures of one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) frames: i64,
    pub(super) z: f64,
    pub(super) direct: f64,
    pub(super) floor: f64,
    pub(super) reverberance: f64,
    pub(super) sigma: f64,
    pub(super) minimum_gap_s: f64,
    pub(super) blocks: usize,
    pub(super) aligned: usize,
}

/// What the windows said: a few bytes per 0.1 s.
#[derive(Debug)]
pub(super) struct Tally {
    rate: u32,
    pub(super) gaps: Vec<RawGap>,
    pub(super) jumps: Vec<RawJump>,
    pub(super) extras: Vec<RawExtra>,
    pub(super) ties: Vec<Tie>,
    pub(super) levels: Vec<LevelBlock>,
    pub(super) figures: Vec<Figures>,
    /// Frames in which no gap would have shown beside what else was heard.
    pub(super) masked: i64,
    /// Frames before the reference was heard at all.
    pub(super) unheard: i64,
    clipped: Option<(i64, usize)>,
}

impl Tally {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate,
            gaps: Vec::new(),
            jumps: Vec::new(),
            extras: Vec::new(),
            ties: Vec::new(),
            levels: Vec::new(),
            figures: Vec::new(),
            masked: 0,
            unheard: 0,
            clipped: None,
        }
    }

    /// Notes that `run` full-scale samples have come up to `frame`: as many as 12 at 48 kHz are clipping.
    pub(super) fn clip(&mut self, run: usize, frame: i64) {
        if run >= (self.rate as usize / 4000).max(3) {
            let (_, longest) = self.clipped.get_or_insert((frame + 1 - run as i64, run));
            *longest = (*longest).max(run);
        }
    }

    /// The findings. `span`: frames looked at; `whole`: the start of the reference is among them; `found`: it was heard.
    pub(super) fn summary(
        mut self,
        settings: &Settings,
        span: (i64, i64),
        whole: bool,
        found: bool,
        shortest: i64,
    ) -> Continuity {
        let rate = f64::from(self.rate);
        let seconds = |frame: i64| frame as f64 / rate;
        let mut none = None;
        if span.1 - span.0 < shortest {
            let have_s = seconds((span.1 - span.0).max(0));
            none = Some(Reason::TooShort { have_s, need_s: seconds(shortest) });
        } else if !found {
            none = Some(Reason::NotPresent);
        }
        if let Some(why) = none {
            return nothing(why);
        }
        let quality = self.quality(seconds(span.0), seconds(span.1));
        let start_up = self.start_up(span.0);
        let mut events = self.gap_and_jump_events();
        let extras = self.extra_events();
        events.extend(extras);
        let levels = levels::figures(&self.levels);
        if let Some(levels) = &levels {
            events.extend(self.level_events(levels));
        }
        events.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));

        let clipped = self.clipped.map(|(at, longest)| Reason::Clipped { at_s: seconds(at), longest });
        let lost = self
            .jumps
            .iter()
            .find(|jump| jump.origin == Origin::Capture)
            .map(|jump| Reason::SamplesLost { at_s: seconds(jump.ended), by_s: seconds(jump.late) });
        let masked = (quality.masked > MASKED).then_some(Reason::Masked { share: quality.masked });
        let unseen = (quality.minimum_gap_s > settings.wanted_gap_s)
            .then_some(Reason::GapResolution { achieved_s: quality.minimum_gap_s, wanted_s: settings.wanted_gap_s });
        let unaligned = (quality.aligned < ALIGNED).then_some(Reason::AlignmentLost { aligned: quality.aligned });
        let outcome = |why: &[Option<Reason>]| clipped.or(why.iter().copied().flatten().next());

        let dropouts = or(outcome(&[lost, masked, unseen]), || dropouts(&events, &quality, &self.gaps, rate));
        let jumps = or(outcome(&[lost, unaligned]), || self.count_jumps(&events));
        let clicks = or(outcome(&[masked]), || self.count_clicks(&events));
        let start_up = match (outcome(&[unseen.or(masked)]), whole) {
            (Some(why), _) => Outcome::Inconclusive(why),
            (None, false) => Outcome::Inconclusive(Reason::NoFloor),
            (None, true) => Outcome::Measured(start_up),
        };
        let levels = match levels {
            None => Outcome::Inconclusive(outcome(&[unaligned]).unwrap_or(Reason::AlignmentLost { aligned: 0.0 })),
            Some(levels) => {
                let noisy = (levels.sigma_db > LEVEL_DB).then_some(Reason::LevelNoise { sigma_db: levels.sigma_db });
                let steered = (levels.moving > MOVING).then_some(Reason::LevelMoves { share: levels.moving });
                or(outcome(&[unaligned, noisy, steered]), || Levels {
                    steps: levels.changes.iter().filter(|change| change.sudden).count(),
                    fades: levels.changes.iter().filter(|change| !change.sudden).count(),
                    range_db: levels.range_db,
                    uncertainty_db: levels.sigma_db,
                    minimum_db: levels.minimum_db,
                })
            }
        };
        let clock = self.clock(outcome(&[lost, unaligned]));
        let events_not_kept = events.len().saturating_sub(Continuity::MAX_EVENTS);
        events.truncate(Continuity::MAX_EVENTS);
        Continuity {
            method: METHOD,
            method_version: METHOD_VERSION,
            quality: Some(quality),
            events,
            events_not_kept,
            dropouts,
            jumps,
            clicks,
            levels,
            start_up,
            clock,
        }
    }

    fn quality(&self, from_s: f64, to_s: f64) -> Quality {
        let rate = f64::from(self.rate);
        let of = |value: &dyn Fn(&Figures) -> f64| -> Vec<f64> { self.figures.iter().map(value).collect() };
        let worst = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
        let middle_db = |mut values: Vec<f64>| 10.0 * median(&mut values).unwrap_or(0.0).max(1e-40).log10();
        let listened: i64 = self.figures.iter().map(|figures| figures.frames).sum();
        let blocks: usize = self.figures.iter().map(|figures| figures.blocks).sum();
        let aligned: usize = self.figures.iter().map(|figures| figures.aligned).sum();
        Quality {
            listened_s: listened as f64 / rate,
            span_s: (from_s, to_s),
            masked: self.masked as f64 / listened.max(1) as f64,
            identity_z: of(&|f| f.z).into_iter().fold(f64::INFINITY, f64::min),
            snr_db: middle_db(of(&|f| f.direct / f.floor)),
            snr_total_db: middle_db(of(&|f| f.direct * (1.0 + f.reverberance) / f.floor)),
            block_s: 0.0025,
            sigma: worst(of(&|f| f.sigma)),
            // Nothing shorter than a frame is there to be found.
            minimum_gap_s: worst(of(&|f| f.minimum_gap_s)).max(rate.recip()),
            aligned: if blocks == 0 { 0.0 } else { aligned as f64 / blocks as f64 },
        }
    }

    /// Merges the gaps of the windows, and takes out what is missing at the start.
    fn start_up(&mut self, start: i64) -> StartUp {
        let rate = f64::from(self.rate);
        let near = (MERGE_S * rate) as i64;
        self.gaps.sort_by_key(|gap| gap.from);
        self.gaps.dedup_by(|next, kept| {
            let touch = next.from <= kept.to + near;
            if touch {
                let own = |gap: &RawGap| (gap.to - gap.from) as f64;
                kept.gain = (kept.gain * own(kept) + next.gain * own(next)) / (own(kept) + own(next)).max(1.0);
                kept.strength = kept.strength.max(next.strength);
                if kept.content != next.content && kept.to - kept.from < next.to - next.from {
                    kept.content = next.content;
                }
                if next.to > kept.to {
                    kept.sigma = next.sigma;
                }
                kept.to = kept.to.max(next.to);
            }
            touch
        });
        let sigma = self.figures.first().map_or(1.0, |f| (f.minimum_gap_s * rate / 27.0).max(1.0));
        match self.gaps.first() {
            Some(gap) if ((gap.from - start) as f64) < START_S * rate => {
                let found = StartUp { lost_s: (gap.to - start) as f64 / rate, uncertainty_s: gap.sigma / rate };
                self.gaps.remove(0);
                found
            }
            _ => StartUp { lost_s: 0.0, uncertainty_s: sigma / rate },
        }
    }

    fn gap_and_jump_events(&mut self) -> Vec<Event> {
        let rate = f64::from(self.rate);
        let near = (MERGE_S * rate) as i64;
        let mut events = Vec::new();
        for jump in &self.jumps {
            let touches = |gap: &RawGap| gap.from <= jump.began + near && gap.to >= jump.ended - near;
            // A silence that began in an earlier window is known from its gap only; one of this window is best placed by the jump itself.
            let longer = |gap: &&RawGap| touches(gap) && gap.from < jump.ended - 2 * near;
            let from = self.gaps.iter().filter(longer).map(|gap| gap.from).fold(jump.ended, i64::min);
            let silent = self.gaps.iter().filter(longer).all(|gap| gap.content == Content::Silence);
            let silence = if silent { jump.began - from } else { jump.began - jump.ended };
            self.gaps.retain(|gap| !touches(gap));
            let silence_s = silence as f64 / rate;
            let (frames, origin) = (jump.late.unsigned_abs(), jump.origin);
            let (kind, reference) = if jump.late < 0 {
                (EventKind::Skip { frames, silence_s, origin }, jump.reference + jump.late as f64)
            } else if silence as f64 >= 0.5 * frames as f64 {
                (EventKind::Stall { frames, silence_s, origin }, jump.reference)
            } else {
                (EventKind::Repeat { frames, silence_s, origin }, jump.reference)
            };
            events.push(Event {
                kind,
                from_s: from.min(jump.began) as f64 / rate,
                to_s: jump.began as f64 / rate,
                reference_s: reference / rate,
                uncertainty_s: jump.sigma / rate,
                strength: jump.strength,
            });
        }
        events.extend(self.gaps.iter().map(|gap| Event {
            kind: match gap.content {
                Content::Silence => EventKind::Mute { gain: gap.gain },
                Content::Sound => EventKind::Garbled,
                Content::Unknown => EventKind::Lost,
            },
            from_s: gap.from as f64 / rate,
            to_s: gap.to as f64 / rate,
            reference_s: gap.reference / rate,
            uncertainty_s: gap.sigma / rate,
            strength: gap.strength,
        }));
        events
    }

    fn extra_events(&mut self) -> Vec<Event> {
        let rate = f64::from(self.rate);
        self.extras.sort_by_key(|extra| extra.from);
        self.extras.dedup_by(|next, kept| {
            let touch = next.from <= kept.to + (MERGE_S * rate) as i64;
            if touch {
                kept.to = kept.to.max(next.to);
                kept.above_db = kept.above_db.max(next.above_db);
                kept.z = kept.z.max(next.z);
            }
            touch
        });
        let event = |extra: &RawExtra| {
            let above_db = extra.above_db;
            let short = ((extra.to - extra.from) as f64) < CLICK_S * rate;
            Event {
                kind: if short { EventKind::Click { above_db } } else { EventKind::Burst { above_db } },
                from_s: extra.from as f64 / rate,
                to_s: extra.to as f64 / rate,
                reference_s: extra.reference / rate,
                uncertainty_s: 0.00025,
                strength: extra.z,
            }
        };
        // A codec that meets a sudden sound spends its bits too late: a burst of 8 ms is usual with AAC, and masked by the sound.
        let onset = |extra: &&RawExtra| extra.reference >= START_S * rate;
        self.extras.iter().filter(onset).map(event).collect()
    }

    fn level_events(&self, levels: &levels::LevelFigures) -> Vec<Event> {
        let rate = f64::from(self.rate);
        let event = |change: &levels::Change| {
            let (change_db, uncertainty_db) = (change.db, levels.sigma_db);
            let at = |n: usize| self.levels[n].at as f64 / rate;
            let from = at(change.from);
            let to = at(change.to.min(self.levels.len() - 1));
            let reference = self.ties.get(change.from).map_or(0.0, |tie| tie.reference / rate);
            Event {
                kind: if change.sudden {
                    EventKind::Step { change_db, uncertainty_db }
                } else {
                    EventKind::Fade { change_db, uncertainty_db }
                },
                from_s: from,
                to_s: to,
                reference_s: reference,
                uncertainty_s: 0.05,
                strength: change.db.abs() / levels.sigma_db.max(1e-3),
            }
        };
        levels.changes.iter().map(event).collect()
    }

    fn count_jumps(&self, events: &[Event]) -> Jumps {
        let count = |is: fn(&EventKind) -> bool| events.iter().filter(|event| is(&event.kind)).count();
        Jumps {
            skips: count(|kind| matches!(kind, EventKind::Skip { .. })),
            stalls: count(|kind| matches!(kind, EventKind::Stall { .. })),
            repeats: count(|kind| matches!(kind, EventKind::Repeat { .. })),
            net_frames: self.jumps.iter().map(|jump| jump.late).sum(),
        }
    }

    fn count_clicks(&self, events: &[Event]) -> Clicks {
        let mut lowest: Vec<f64> =
            self.figures.iter().map(|f| 10.0 * (f.floor / f.direct.max(1e-30)).log10()).collect();
        // A block of 0.5 ms has about 14 independent values: its logarithm scatters by 0.38.
        let needed_db = EXTRA_Z * 0.38 * 10.0 / std::f64::consts::LN_10;
        Clicks {
            clicks: events.iter().filter(|event| matches!(event.kind, EventKind::Click { .. })).count(),
            bursts: events.iter().filter(|event| matches!(event.kind, EventKind::Burst { .. })).count(),
            minimum_db: median(&mut lowest).unwrap_or(0.0) + needed_db,
        }
    }

    fn clock(&self, why: Option<Reason>) -> Outcome<Clock> {
        if let Some(why) = why {
            return Outcome::Inconclusive(why);
        }
        match clock(&self.ties, self.rate) {
            Some(clock) if clock.uncertainty_ppm <= DRIFT_PPM => Outcome::Measured(clock),
            Some(_) => Outcome::Inconclusive(Reason::AlignmentLost { aligned: self.quality(0.0, 0.0).aligned }),
            None => Outcome::Inconclusive(Reason::TooShort { have_s: self.ties.len() as f64 * 0.1, need_s: 0.6 }),
        }
    }
}

fn or<T>(why: Option<Reason>, value: impl FnOnce() -> T) -> Outcome<T> {
    why.map_or_else(|| Outcome::Measured(value()), Outcome::Inconclusive)
}

fn dropouts(events: &[Event], quality: &Quality, gaps: &[RawGap], rate: f64) -> Dropouts {
    let lengths = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Mute { .. } | EventKind::Garbled | EventKind::Lost))
        .map(Event::length_s);
    let (count, total_s, longest_s) =
        lengths.fold((0, 0.0, 0.0), |(n, sum, longest), length| (n + 1, sum + length, f64::max(longest, length)));
    let sigma = gaps.iter().map(|gap| gap.sigma).fold(1.0, f64::max);
    Dropouts { count, total_s, longest_s, uncertainty_s: 2f64.sqrt() * sigma / rate, listened_s: quality.listened_s }
}

pub(super) fn nothing(why: Reason) -> Continuity {
    Continuity {
        method: METHOD,
        method_version: METHOD_VERSION,
        quality: None,
        events: Vec::new(),
        events_not_kept: 0,
        dropouts: Outcome::Inconclusive(why),
        jumps: Outcome::Inconclusive(why),
        clicks: Outcome::Inconclusive(why),
        levels: Outcome::Inconclusive(why),
        start_up: Outcome::Inconclusive(why),
        clock: Outcome::Inconclusive(why),
    }
}
