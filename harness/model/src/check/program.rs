//! Programs of the lab as drivers.

use crate::{
    diagnostic::{Code, Diagnostic},
    document::{Control, Rig, SourceProgram, SwitchProgram, World},
    load::Entry,
    quantity::Duration,
};

pub(super) fn check(entry: &Entry<Rig>, faults: &mut Vec<Diagnostic>) {
    let rig = &entry.value;
    for (name, unit) in &rig.units {
        let controlled = unit.control == Some(Control::Command);
        let Some(program) = &unit.command else {
            if controlled && rig.world == World::Hardware {
                let message = "no program is named that is the driver of this unit";
                let fault = entry.diagnostic(Code::Incomplete, &["units", name, "control"], message);
                faults.push(fault.suggest("add `command` with `program` and what it `can` do: docs/command.md"));
            }
            continue;
        };
        let at = ["units", name, "command"];
        if rig.world == World::Simulated {
            let fault = entry.diagnostic(Code::WrongWorld, &at, "a simulated rig runs no program");
            faults.push(fault.suggest("delete it, or write `world: hardware`"));
        } else if !controlled {
            let fault = entry.diagnostic(Code::Incomplete, &at, "its program gets no orders");
            faults.push(fault.suggest("add `control: command`, or delete `command`"));
        }
        let path = [at[0], at[1], at[2], "starts-within"];
        time(entry, &path, program.starts_within, SourceProgram::LONGEST, faults);
    }
    for (name, board) in &rig.relays {
        if let Some(program) = &board.command {
            let path = ["relays", name, "command", "within"];
            time(entry, &path, program.within, SwitchProgram::LONGEST, faults);
        }
    }
}

fn time(entry: &Entry<Rig>, path: &[&str], within: Duration, longest: Duration, faults: &mut Vec<Diagnostic>) {
    if within == Duration::ZERO || within > longest {
        let message = format!("a program has more than no time and at most {longest}");
        faults.push(entry.diagnostic(Code::OutOfRange, path, message).suggest("write a time such as `5 s`"));
    }
}
