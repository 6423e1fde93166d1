//! All boards of a rig: made safe side by side, so that one that hangs keeps none of the others.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::mpsc,
    time::{Duration, Instant as HostInstant},
};

use rigtone_model::trial::InfrastructureFault;

use super::{
    board::Board,
    target::{Target, Which},
    word,
};
use crate::{
    clock::{Clock, Instant},
    hardware::HostClock,
};

/// The boards of a rig by name. Dropping them makes every wired output safe, on all boards at once.
#[derive(Default)]
pub struct Boards(BTreeMap<String, Rc<Board>>);

/// How an output was made safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The board, such as `relay board-1`.
    pub member: String,
    /// The output.
    pub target: Target,
    /// Whether it is in its safe state as far as can be known.
    pub result: Result<(), InfrastructureFault>,
}

/// A board, the place of a target, and how it went.
type Told = (usize, usize, Result<(), InfrastructureFault>);

impl Boards {
    /// Adds a board.
    pub fn insert(&mut self, name: &str, board: Board) {
        self.0.insert(name.to_owned(), Rc::new(board));
    }

    /// The board of that name.
    pub fn get(&self, name: &str) -> Option<&Rc<Board>> {
        self.0.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rc<Board>> {
        self.0.values()
    }

    /// Drives every wired output to its safe state; tries all of them and gives what failed or took too long.
    pub async fn make_safe(&self, clock: HostClock, deadline: Instant) -> Vec<InfrastructureFault> {
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel::<Told>();
        // Nobody listens when the deadline has passed.
        let mut ledger = Ledger::order(&[(self, Which::All)], move |told| drop(give.send(told)));
        while ledger.open > 0 {
            tokio::select! {
                biased;
                told = take.recv() => match told {
                    Some(told) => ledger.take(told),
                    None => break,
                },
                () = clock.sleep_until(deadline) => break,
            }
        }
        ledger.settled().into_iter().filter_map(|settled| settled.result.err()).collect()
    }

    /// As [`Boards::make_safe`], without a runtime, of several sets at once, and tells about every output.
    pub fn settle(sets: &[(&Self, Which)], limit: Duration) -> Vec<Settled> {
        let (give, take) = mpsc::channel::<Told>();
        let mut ledger = Ledger::order(sets, move |told| drop(give.send(told)));
        let end = HostInstant::now() + limit;
        while ledger.open > 0 {
            match take.recv_timeout(end.saturating_duration_since(HostInstant::now())) {
                Ok(told) => ledger.take(told),
                Err(_) => break,
            }
        }
        ledger.settled()
    }
}

impl Drop for Boards {
    fn drop(&mut self) {
        for board in self.iter() {
            board.dismiss();
        }
        for board in self.iter() {
            board.see_off();
        }
    }
}

/// Who has told what. An output of which nothing was heard is a fault.
struct Ledger {
    rows: Vec<(String, Vec<Row>)>,
    open: usize,
}

struct Row {
    place: usize,
    target: Target,
    result: Option<Result<(), InfrastructureFault>>,
}

impl Ledger {
    /// Gives every board its order.
    fn order(sets: &[(&Boards, Which)], tell: impl Fn(Told) + Clone + Send + 'static) -> Self {
        let mut rows = Vec::new();
        for (board, which) in sets.iter().flat_map(|(boards, which)| boards.iter().map(move |board| (board, *which))) {
            let (place, tell) = (rows.len(), tell.clone());
            let targets = board.targets().iter().enumerate().filter(|(_, target)| which.holds(target));
            let of_board = targets.map(|(place, target)| Row { place, target: target.clone(), result: None });
            rows.push((board.member().to_owned(), of_board.collect::<Vec<_>>()));
            board.order_safe(which, Box::new(move |target, result| tell((place, target, result))));
        }
        let open = rows.iter().map(|(_, rows)| rows.len()).sum();
        Self { rows, open }
    }

    fn take(&mut self, (board, place, result): Told) {
        let row = self.rows.get_mut(board).and_then(|(_, rows)| rows.iter_mut().find(|row| row.place == place));
        if let Some(row) = row.filter(|row| row.result.is_none()) {
            row.result = Some(result);
            self.open -= 1;
        }
    }

    fn settled(self) -> Vec<Settled> {
        let settle = |member: String, Row { target, result, .. }: Row| {
            let silent = || Err(InfrastructureFault::new(&member, "the board took no order before the deadline"));
            let result = result.unwrap_or_else(silent).map_err(|fault| unsafe_still(&member, fault, &target));
            Settled { member, target, result }
        };
        self.rows
            .into_iter()
            .flat_map(|(member, rows)| rows.into_iter().map(move |row| settle(member.clone(), row)))
            .collect()
    }
}

/// The fault of an output that could not be made safe: what it is wired to, and what to do.
pub(crate) fn unsafe_still(board: &str, fault: InfrastructureFault, target: &Target) -> InfrastructureFault {
    let what = format!("{} may not be in its safe state: {}", target.what, fault.what);
    let hint = format!("switch channel {} of {board} {} by hand", target.channel, word(target.on));
    InfrastructureFault::new(fault.member, what).hint(hint)
}
