//! Times that an event carries beside its own.

use super::Body;

impl Body {
    /// Moves all times that it carries by so many nanoseconds: from the clock of one run to that of another.
    pub fn shift(&mut self, by_ns: i64) {
        let move_by = |t_ns: &mut i64| *t_ns = t_ns.saturating_add(by_ns);
        match self {
            Self::Emitted { t_ns, .. } | Self::TransportChanged { t_ns, .. } => move_by(t_ns),
            Self::PowerSwitched { edge, .. } | Self::ButtonsPressed { edge, .. } => {
                edge.iter_mut().flat_map(|edge| [&mut edge.sent_ns, &mut edge.acknowledged_ns]).for_each(move_by);
            }
            Self::Evidence { anchors, clock, .. } => {
                anchors.iter_mut().for_each(|anchor| move_by(&mut anchor.t_ns));
                clock.iter_mut().for_each(|clock| move_by(&mut clock.t_ns));
            }
            _ => {}
        }
    }
}
