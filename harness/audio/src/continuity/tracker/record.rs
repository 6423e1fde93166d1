//! What a window says is taken down, and the next one prepared.

use std::ops::Range;

use super::groups::{GROUP, LOST, delay_sigma, edge, groups};
use super::{IDENTITY_Z, Tracker};
use crate::continuity::clock::{Tie, fit, median};
use crate::continuity::findings::Origin;
use crate::continuity::reference::Reference;
use crate::continuity::scan::{Content, Gap, NEEDED, Scan};
use crate::continuity::summary::{Figures, LevelBlock, RawExtra, RawGap, RawJump};
use crate::continuity::window::{Heard, Line, Piece, Window, piece_at};

impl<R: Reference> Tracker<R> {
    /// Takes down what the window says.
    #[expect(clippy::too_many_arguments, reason = "the last step of one long procedure")]
    pub(super) fn record(
        &mut self,
        window: &Window,
        heard: &Heard,
        range: Range<usize>,
        core: Range<i64>,
        mut pieces: Vec<Piece>,
        jumps: &[RawJump],
        last: bool,
    ) {
        let rate = f64::from(self.rate);
        let origin = window.origin;
        let frame = |index: usize| origin + index as i64;
        let peak = heard.response.peak;
        let scan = Scan::new(heard, range.clone(), self.rate);
        let groups = groups(&scan, heard.slope_ratio);
        let width = GROUP as i64 * i64::from(self.rate / 100);
        let gaps = scan.gaps();

        // A sound that is lost towards the end may only have been displaced: the next window will see what came after.
        let mut resolved = core.end;
        if let Some(tail) = gaps.iter().rfind(|gap| frame(gap.to) >= core.end - width && !last) {
            let from = frame(tail.from) - width / 2;
            if from > core.start + 2 * i64::from(self.rate) {
                resolved = from.min(core.end);
            }
        }
        let limit = if resolved < core.end { resolved } else { i64::MAX };
        let ratios = scan.ratios();
        let usual = median(&mut ratios.clone()).unwrap_or(0.0);
        for gap in gaps.iter().filter(|gap| frame(gap.from) < limit) {
            self.tally.gaps.push(RawGap {
                from: frame(gap.from),
                to: frame(gap.to),
                strength: gap.strength,
                gain: gap.gain,
                content: gap.content,
                sigma: edge(usual),
                reference: piece_at(&pieces, frame(gap.from) - peak).line.map((frame(gap.from) - peak) as f64),
            });
            self.mutes.push(frame(gap.from) - peak..frame(gap.to) - peak);
        }
        for jump in jumps.iter().filter(|jump| jump.began - peak < resolved) {
            self.tally.jumps.push(*jump);
            if jump.began > jump.ended {
                self.mutes.push(jump.ended - peak..jump.began - peak);
            }
        }
        let after = self.frames(0.06) as usize;
        let before = self.frames(0.004) as usize;
        let index = |at: i64| (at - origin).clamp(0, window.size() as i64) as usize;
        let mut excluded: Vec<Range<usize>> =
            gaps.iter().map(|gap| gap.from.saturating_sub(before)..gap.to + after).collect();
        excluded.extend(jumps.iter().map(|jump| {
            // A recording that lost samples has the wrong reverberation until the old one has died away.
            let after = if jump.origin == Origin::Capture { self.rate as usize / 2 } else { after };
            index(jump.ended).saturating_sub(before)..index(jump.began) + after
        }));
        if let Some(envelope) = &self.envelope {
            let step = |n: &usize| (envelope[*n] - envelope[n - 1]).abs() > 0.05 * envelope[*n].max(envelope[n - 1]);
            excluded.extend((1..envelope.len()).filter(step).map(|n| n.saturating_sub(2 * before)..n + 2 * before));
        }
        // Band edges ring at a hard start or end of the recording.
        excluded.push(0..window.valid.start + before);
        excluded.push(window.valid.end.saturating_sub(before)..window.size());
        // So they do where the sound itself ends without a fade.
        let end = self.end() + peak - origin;
        if let Some(end) = usize::try_from(end).ok().filter(|end| *end < window.size()) {
            excluded.push(end.saturating_sub(before)..end + before);
        }
        for extra in scan.extras(&excluded).iter().filter(|extra| frame(extra.from) < limit) {
            let at = frame(extra.from);
            let reference = piece_at(&pieces, at - peak).line.map((at - peak) as f64);
            let (above_db, z) = (extra.above_db, extra.z);
            self.tally.extras.push(RawExtra { from: at, to: frame(extra.to), above_db, z, reference });
        }

        let skipped = {
            let all: Vec<(i64, i64)> = self.tally.jumps.iter().map(|jump| (jump.began, jump.late)).collect();
            move |at: i64| all.iter().filter(|jump| jump.0 <= at).map(|jump| jump.1).sum::<i64>() as f64
        };
        if let Some(known) = &self.known {
            self.moved += heard.response.later_than(known).filter(|moved| moved.abs() < 2.0).unwrap_or(0.0);
        } else {
            self.first_peak = peak;
        }
        let first_peak = self.first_peak;
        let height = heard.response.height();
        let sigma = delay_sigma(&scan, heard.slope_ratio).max(1e-4);
        let mut delays: Vec<(f64, f64, f64)> = Vec::new();
        let (mut counted, mut aligned) = (0, 0);
        for (n, group) in groups.iter().enumerate() {
            let from = frame(range.start) + n as i64 * width;
            let middle = from + width / 2;
            if from + width > frame(range.end) || middle < core.start || middle >= resolved {
                continue;
            }
            let within = |gap: &&Gap| frame(gap.from) < from + width && frame(gap.to) > from;
            if let Some(gap) = gaps.iter().find(within) {
                // A long gap that is not silent may be a sound that was displaced.
                counted += usize::from(gap.content != Content::Silence && (gap.to - gap.from) as i64 > width);
                continue;
            }
            if group.expected < 0.1 {
                continue;
            }
            counted += 1;
            if group.z < LOST || group.delay.abs() > 2.0 {
                continue;
            }
            aligned += 1;
            delays.push((middle as f64, group.delay, sigma));
            let line = piece_at(&pieces, middle - peak).line;
            let reference = line.map((middle - first_peak) as f64 - group.delay - self.moved) + skipped(middle);
            self.tally.ties.push(Tie { recording: middle as f64, reference, sigma });
            let moved = self.envelope.as_ref().map_or(1.0, |envelope| f64::from(envelope[index(middle)]));
            let level = LevelBlock { at: middle, db: 20.0 * (group.gain * height * moved).max(1e-12).log10() };
            self.tally.levels.push(level);
        }
        let (direct, floor) = scan.powers();
        let wanted = self.settings.wanted_gap_s * rate;
        let in_core = |n: usize| {
            let at = frame(range.start) + n as i64 * width / GROUP as i64;
            let gone = gaps.iter().any(|gap| frame(gap.from) < at + width && frame(gap.to) > at - width);
            at >= core.start && at < resolved && !gone
        };
        let hidden =
            (0..ratios.len()).filter(|n| in_core(*n) && ratios[*n] * wanted < NEEDED && ratios[*n] < 0.25 * usual);
        self.tally.masked += hidden.count() as i64 * width / GROUP as i64;
        self.tally.figures.push(Figures {
            frames: resolved - core.start,
            z: heard.response.z,
            direct,
            floor: floor.max(1e-30),
            reverberance: heard.response.reverberance(),
            sigma: scan.sigma,
            minimum_gap_s: NEEDED / usual.max(1e-12) / rate,
            blocks: counted,
            aligned,
        });
        if self.known.is_none() && self.tally.unheard > 0 {
            // What was not heard before this window was not there.
            self.tally.gaps.push(RawGap {
                from: self.start.max(0),
                to: core.start,
                strength: 0.0,
                gain: 0.0,
                content: Content::Silence,
                sigma: 0.5 * rate,
                reference: 0.0,
            });
        }

        // The next window goes on from where this one has come.
        let mut line = piece_at(&pieces, resolved - peak).line;
        let recent: Vec<(f64, f64, f64)> =
            delays.iter().copied().filter(|p| p.0 > resolved as f64 - 6.0 * rate).collect();
        if recent.len() >= 20
            && let Some(fitted) = fit(&recent)
        {
            let at = resolved as f64;
            let mean = delays.iter().map(|p| p.1).sum::<f64>() / delays.len() as f64;
            // Only what has built up within the window: its mean belongs to its response.
            let late = fitted.value_at(at) - mean;
            let slope = if fitted.slope.abs() < 100e-6 { fitted.slope } else { 0.0 };
            line = Line { at, reference: line.map(at) - late * line.step, step: line.step * (1.0 - slope) };
        }
        pieces.retain(|piece| piece.from < resolved);
        pieces.push(Piece { from: resolved, line });
        let old = resolved - self.size as i64 - self.frames(1.0);
        let first_needed = pieces.partition_point(|piece| piece.from <= old).max(1) - 1;
        pieces.drain(..first_needed);
        self.pieces = pieces;
        self.mutes.retain(|mute| mute.end > old);
        if heard.response.z >= IDENTITY_Z && !self.use_known {
            let now = self.envelope.as_ref().map_or(1.0, |envelope| envelope[index(resolved)]);
            self.known = Some(heard.response.scaled(now));
        }
        self.done = resolved;
    }
}
