//! Ending a run early.

use std::{cell::RefCell, future::Future, rc::Rc};

use tokio::sync::Notify;

use crate::run::Interruption;

/// A request to end the run, seen by everything that waits.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    shared: Rc<(RefCell<Option<Interruption>>, Notify)>,
}

impl Cancel {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to end the run; the first reason stays.
    pub fn ask(&self, why: Interruption) {
        self.shared.0.borrow_mut().get_or_insert(why);
        self.shared.1.notify_waiters();
    }

    /// Why the run should end, if it should.
    pub fn asked(&self) -> Option<Interruption> {
        self.shared.0.borrow().clone()
    }

    /// Does `work` unless the run should end: then `work` is dropped and `None` comes back at once.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let asked = self.shared.1.notified();
        tokio::pin!(asked);
        // From here on no request is missed.
        asked.as_mut().enable();
        if self.asked().is_some() {
            return None;
        }
        tokio::select! {
            biased;
            () = asked => None,
            result = work => Some(result),
        }
    }
}
