//! What happened to the alignment: lost, displaced, bent.

use std::ops::Range;

use super::groups::{GROUP, LOST, delay_sigma, edge, groups};
use super::{BENT, IDENTITY_Z, STEP, Tracker};
use crate::continuity::align::{Alignment, SAME, change_point, small_lags};
use crate::continuity::clock::{fit, median};
use crate::continuity::findings::Origin;
use crate::continuity::reference::Reference;
use crate::continuity::response::BAND;
use crate::continuity::scan::{Content, Scan};
use crate::continuity::summary::RawJump;
use crate::continuity::window::{Heard, Line, Piece, Window, piece_at};

/// A step between two runs: which run comes after it, the piece that begins with it, frames of the reference later, where it may lie.
struct Change {
    run: usize,
    piece: usize,
    late: i64,
    place: Range<usize>,
}

impl<R: Reference> Tracker<R> {
    /// Blocks are lost that are not silent, or the alignment has a step.
    pub(super) fn troubled(&mut self, window: &Window, heard: &Heard, range: Range<usize>) -> bool {
        if heard.response.z < IDENTITY_Z {
            return true;
        }
        let scan = Scan::new(heard, range.clone(), self.rate);
        let groups = groups(&scan, heard.slope_ratio);
        let width = GROUP * (self.rate / 100) as usize;
        // The recording itself must be quiet where a sound is taken for muted: a response of two places makes its own silence.
        let power = |from: usize, to: usize| {
            let part = &window.samples[from..to.min(range.end)];
            part.iter().map(|v| f64::from(v * v)).sum::<f64>() / part.len().max(1) as f64
        };
        let starts: Vec<usize> = (0..groups.len()).map(|n| range.start + n * width).collect();
        let usual = median(&mut starts.iter().map(|&from| power(from, from + width)).collect::<Vec<f64>>());
        let quiet = 0.4 * usual.unwrap_or(0.0);
        let lost =
            |n: usize| groups[n].expected > 0.1 && groups[n].z < LOST && power(starts[n], starts[n] + width) > quiet;
        // The last 20 ms count too: what is left of a sound that was displaced shows as a gap filled with something else.
        let gaps = scan.gaps();
        if (0..groups.len()).any(lost) || gaps.iter().any(|gap| gap.content != Content::Silence) {
            return true;
        }
        let steps = |values: &[f64], limit: f64| {
            let middle = |part: &[f64]| median(&mut part.to_vec()).unwrap_or(0.0);
            (3..values.len().saturating_sub(2))
                .any(|n| (middle(&values[n..n + 3]) - middle(&values[n - 3..n])).abs() > limit)
        };
        let fft = &mut self.tools.fft;
        let lags = small_lags(fft, &window.samples, &heard.played, range, width, heard.response.peak);
        let sound = || groups.iter().zip(&lags).filter(|(group, _)| group.z >= LOST);
        let delays: Vec<f64> = sound().map(|(group, _)| group.delay).collect();
        let lags: Vec<f64> = sound().filter_map(|(_, lag)| *lag).collect();
        steps(&delays, STEP) || steps(&lags, SAME)
    }

    /// Lays the reference along the runs that were found, and places the changes between them.
    pub(super) fn jumps(
        &mut self,
        window: &Window,
        range: Range<usize>,
        found: &Alignment,
    ) -> Option<(Vec<Piece>, Vec<RawJump>, Heard)> {
        let origin = window.origin;
        let frame = |index: usize| origin + index as i64;
        let from = frame(range.start);
        let mut pieces: Vec<Piece> = self.pieces.iter().copied().filter(|piece| piece.from < from).collect();
        let base = found.line;
        let mut line = base;
        if self.known.is_none() {
            // Nothing was followed before: the first run is where the reference lies.
            line = base.later(found.runs[0].late.0 * base.step);
            pieces = vec![Piece { from: i64::MIN, line }];
        } else {
            pieces.push(Piece { from, line });
        }
        let mut late = if self.known.is_none() { found.runs[0].late.0 } else { 0.0 };
        let mut changes: Vec<Change> = Vec::new();
        let mut earlier = range.start;
        for (n, run) in found.runs.iter().enumerate() {
            let frames = ((run.late.0 - late) * base.step).round();
            if frames != 0.0 {
                line = line.later(frames);
                let width = window.rate as usize / 10;
                let low =
                    if n == 0 { range.start } else { found.runs[n - 1].frames.end.saturating_sub(width).max(earlier) };
                let high = (run.frames.start + width).min(run.frames.end).max(low + 1).min(range.end);
                let middle = if n == 0 { run.frames.start } else { (low + high) / 2 };
                pieces.push(Piece { from: frame(middle), line });
                changes.push(Change { run: n, piece: pieces.len() - 1, late: frames as i64, place: low..high });
            }
            earlier = run.frames.start;
            late = run.late.1;
        }
        let mut mutes = self.mutes.clone();
        let mut heard = self.heard(window, &pieces, &mutes);
        let mut jumps = Vec::new();
        for _ in 0..3 {
            let Some(now) = heard.as_ref().filter(|_| !changes.is_empty()) else { break };
            let peak = now.response.peak;
            let variance = Scan::new(now, range.clone(), self.rate).variance();
            mutes.clone_from(&self.mutes);
            jumps.clear();
            for Change { piece, late: frames, place, .. } in &changes {
                let before = self.direct_along(now, pieces[piece - 1].line, origin, place.clone());
                let after = self.direct_along(now, pieces[*piece].line, origin, place.clone());
                let (ended, began) = change_point(&now.dry[place.clone()], &before, &after, variance);
                let power = after.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / after.len() as f64;
                let (ended, began) = (frame(place.start + ended), frame(place.start + began));
                pieces[*piece].from = began - peak;
                mutes.push(ended - peak..began - peak);
                jumps.push(RawJump {
                    ended,
                    began,
                    late: *frames,
                    reference: pieces[*piece].line.map((began - peak) as f64),
                    sigma: edge(power / variance),
                    strength: now.response.z,
                    origin: Origin::Undecided,
                });
            }
            heard = self.heard(window, &pieces, &mutes);
        }
        let heard = heard?;
        // Each change must be borne out by the sound after it; what chance aligned is not.
        let scan = Scan::new(&heard, range.clone(), self.rate);
        let clip = |at: i64| ((at - origin).max(0) as usize).clamp(range.start, range.end);
        let mut unproven = None;
        if self.known.is_none()
            && let Some(first) = jumps.first()
        {
            // Nothing was followed before the first run either.
            let to = clip(first.ended);
            let (gain, z) = scan.gain_over(
                found.runs[0].frames.start.max(to.saturating_sub(4 * self.frames(0.1) as usize)).min(to)..to,
            );
            unproven = (gain < 0.4 || z < 8.0).then_some(0);
        }
        for (n, jump) in jumps.iter().enumerate() {
            let next = jumps.get(n + 1).map_or(frame(range.end), |next| next.ended);
            let (gain, z) = scan.gain_over(clip(jump.began)..clip(next.min(jump.began + 4 * self.frames(0.1))));
            if gain < 0.4 || z < 8.0 {
                unproven = unproven.or(Some(changes[n].run));
            }
        }
        if let Some(run) = unproven {
            let mut fewer = found.clone();
            fewer.runs.remove(run);
            return if fewer.runs.is_empty() { None } else { self.jumps(window, range, &fewer) };
        }
        for (jump, Change { piece, .. }) in jumps.iter_mut().zip(&changes) {
            jump.origin = self.origin(window, &heard, pieces[*piece].line, jump.began, range.end);
        }
        Some((pieces, jumps, heard))
    }

    /// Did the reverberation go on through a jump, or did it jump too? The remainder after it tells, where there is reverberation enough.
    fn origin(&mut self, window: &Window, heard: &Heard, line: Line, began: i64, end: usize) -> Origin {
        const DECIDED: f64 = 10.0;
        let from = (began - window.origin).max(0) as usize;
        let to = (from + self.frames(0.06) as usize).min(end);
        if from >= to {
            return Origin::Undecided;
        }
        let mut played =
            self.tools.warp(&mut self.reference, &[Piece { from: i64::MIN, line }], window.origin, window.size());
        played[window.valid.end..].fill(0.0);
        let other = window.dry(&mut self.tools, &played, &heard.response);
        let remainder = |dry: &[f32]| -> f64 {
            let pairs = dry[from..to].iter().zip(&heard.direct[from..to]);
            pairs.map(|(e, p)| f64::from(e - p).powi(2)).sum::<f64>().max(1e-30)
        };
        let share = 2.0 * (BAND.1 - BAND.0) / f64::from(self.rate);
        let nats = 0.5 * share * (to - from) as f64 * (remainder(&heard.dry) / remainder(&other)).ln();
        if nats > DECIDED {
            Origin::Capture
        } else if nats < -DECIDED {
            Origin::Stream
        } else {
            Origin::Undecided
        }
    }

    /// The direct sound along one line, at the indices `place` of the window that starts at `origin`.
    fn direct_along(&mut self, heard: &Heard, line: Line, origin: i64, place: Range<usize>) -> Vec<f32> {
        let early = &heard.response.early;
        let first = origin + place.start as i64 - heard.response.early_from() - early.len() as i64 + 1;
        let whole = [Piece { from: i64::MIN, line }];
        let played = self.tools.warp(&mut self.reference, &whole, first, place.len() + early.len() - 1);
        let flipped: Vec<f32> = early.iter().rev().copied().collect();
        played.windows(early.len()).map(|part| part.iter().zip(&flipped).map(|(x, h)| x * h).sum()).collect()
    }

    /// Lays the reference along the delay that was measured, if that is bent or far off.
    pub(super) fn unbend(
        &mut self,
        heard: &Heard,
        window: &Window,
        range: Range<usize>,
        pieces: &[Piece],
    ) -> Option<Vec<Piece>> {
        let scan = Scan::new(heard, range.clone(), self.rate);
        let width = GROUP as f64 * f64::from(self.rate / 100);
        let noise = delay_sigma(&scan, heard.slope_ratio);
        let first = (window.origin + range.start as i64) as f64;
        let groups = groups(&scan, heard.slope_ratio);
        let fft = &mut self.tools.fft;
        let lags = small_lags(fft, &window.samples, &heard.played, range, width as usize, heard.response.peak);
        let place = |n: usize| first + (n as f64 + 0.5) * width;
        let sound: Vec<usize> = (0..groups.len()).filter(|n| groups[*n].z >= LOST).collect();
        // The delay is exact as long as it is small; beyond that the strongest lag is the better guide.
        let coarse: Vec<(f64, f64)> = sound.iter().filter_map(|n| lags[*n].map(|lag| (place(*n), lag))).collect();
        let middle = median(&mut coarse.iter().map(|p| p.1).collect::<Vec<f64>>()).unwrap_or(0.0);
        let far = coarse.iter().filter(|p| (p.1 - middle).abs() > 1.0).count() > coarse.len() / 10;
        let points: Vec<(f64, f64)> = if far {
            coarse.into_iter().filter(|p| (p.1 - middle).abs() < 20.0).collect()
        } else {
            sound.iter().map(|n| (place(*n), groups[*n].delay)).filter(|p| p.1.abs() < 3.0).collect()
        };
        if points.len() < 10 || noise > 0.1 {
            return None;
        }
        // A line through half a second to either side: at the ends of the window a mean would lag.
        let smooth = |at: f64| -> Option<f64> {
            let reach = 0.6 * f64::from(self.rate);
            let near = points.iter().filter(|p| (p.0 - at).abs() <= reach);
            let near: Vec<(f64, f64, f64)> = near.map(|p| (p.0, p.1, 1.0)).collect();
            if near.len() < 3 { None } else { fit(&near).map(|line| line.value_at(at)) }
        };
        let last = first + groups.len() as f64 * width;
        let mut knots: Vec<(f64, f64)> = Vec::new();
        let mut at = first;
        while at < last + 0.5 * f64::from(self.rate) {
            let value = smooth(at).or(knots.last().map(|knot| knot.1));
            knots.push((at, value.unwrap_or(0.0)));
            at += f64::from(self.rate);
        }
        let middle = median(&mut knots.iter().map(|knot| knot.1).collect::<Vec<f64>>())?;
        if !knots.iter().any(|knot| (knot.1 - middle).abs() > BENT.max(4.0 * noise)) {
            return None;
        }
        let mut bent: Vec<Piece> = pieces.iter().copied().filter(|piece| (piece.from as f64) < first).collect();
        for pair in knots.windows(2) {
            let ((from, late), (to, later)) = (pair[0], pair[1]);
            // Jumps stay where they are: each piece that begins within is bent alike.
            let mut starts = vec![from as i64];
            starts.extend(pieces.iter().map(|piece| piece.from).filter(|at| *at > from as i64 && *at < to as i64));
            for start in starts {
                let line = piece_at(pieces, start).line;
                let (a, b) = (line.map(from) - late * line.step, line.map(to) - later * line.step);
                bent.push(Piece { from: start, line: Line { at: from, reference: a, step: (b - a) / (to - from) } });
            }
        }
        Some(bent)
    }
}
