//! What the run says about its rig.

use rigtone_model::event::{Body, Event};

/// So many of each kind are kept.
const MOST: usize = 200;

/// The last check of a member of the rig.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) member: String,
    pub(crate) finding: String,
    pub(crate) ok: bool,
    pub(crate) times: u32,
    /// How often it was found unfit.
    pub(crate) unfit: u32,
}

/// What the run says about its rig.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    pub(crate) checks: Vec<Check>,
    /// What was not used any more, and what could not be left safe.
    pub(crate) troubles: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
    /// What found no room.
    pub(crate) more: usize,
}

impl Notes {
    pub(crate) fn take(&mut self, event: &Event) {
        match &event.body {
            Body::Checked { member, finding, ok } => self.checked(member, finding.clone(), *ok),
            Body::FirmwareLooked(look) => self.checked(&look.member(), look.finding(), look.fault().is_none()),
            Body::Benched { member, why } => self.trouble(member, format!("not used any more: {why}")),
            Body::OutputUnsafe { member, what, hint } => {
                self.trouble(member, format!("not in its safe state: {what}; {hint}"));
            }
            // What is said of a trial stands with that trial.
            Body::Warning { text } if event.at.is_none() => {
                if self.warnings.len() < MOST {
                    self.warnings.push(text.clone());
                } else {
                    self.more += 1;
                }
            }
            _ => {}
        }
    }

    fn trouble(&mut self, member: &str, what: String) {
        if self.troubles.len() < MOST {
            self.troubles.push((member.to_owned(), what));
        } else {
            self.more += 1;
        }
    }

    fn checked(&mut self, member: &str, finding: String, ok: bool) {
        let (unfit, room) = (u32::from(!ok), self.checks.len() < MOST);
        match self.checks.iter_mut().find(|c| c.member == member) {
            Some(known) => {
                (known.finding, known.ok) = (finding, ok);
                (known.times, known.unfit) = (known.times + 1, known.unfit + unfit);
            }
            None if room => {
                self.checks.push(Check { member: member.to_owned(), finding, ok, times: 1, unfit });
            }
            None => self.more += 1,
        }
    }
}
