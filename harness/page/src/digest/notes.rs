//! What the run says about its rig.

use rigtone_model::event::{Body, Event};
use rigtone_report::sanitise;

use rigtone_html::LONGEST;

/// So many of each kind are kept.
const MOST: usize = 200;

/// A text as it is kept: of one that is too long for the page enough to see that it is.
pub(super) fn short(text: &str) -> String {
    sanitise::short(text, LONGEST + 1)
}

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
            Body::Checked { member, finding, ok } => self.checked(member, finding, *ok),
            Body::FirmwareLooked(look) => self.checked(&look.member(), &look.finding(), look.fault().is_none()),
            Body::Benched { member, why } => self.trouble(member, &format!("not used any more: {why}")),
            Body::OutputUnsafe { member, what, hint } => {
                self.trouble(member, &format!("not in its safe state: {what}; {hint}"));
            }
            // What is said of a trial stands with that trial.
            Body::Warning { text } if event.at.is_none() => {
                if self.warnings.len() < MOST {
                    self.warnings.push(short(text));
                } else {
                    self.more += 1;
                }
            }
            _ => {}
        }
    }

    fn trouble(&mut self, member: &str, what: &str) {
        if self.troubles.len() < MOST {
            self.troubles.push((short(member), short(what)));
        } else {
            self.more += 1;
        }
    }

    fn checked(&mut self, member: &str, finding: &str, ok: bool) {
        let (unfit, room) = (u32::from(!ok), self.checks.len() < MOST);
        let (member, finding) = (short(member), short(finding));
        match self.checks.iter_mut().find(|c| c.member == member) {
            Some(known) => {
                (known.finding, known.ok) = (finding, ok);
                (known.times, known.unfit) = (known.times + 1, known.unfit + unfit);
            }
            None if room => {
                self.checks.push(Check { member, finding, ok, times: 1, unfit });
            }
            None => self.more += 1,
        }
    }
}
