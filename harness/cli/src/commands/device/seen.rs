//! What a dongle sees of a device that has no document yet.

use rigtone_bluetooth::uuid::ServiceClass;
use rigtone_model::document::{Role, World};
use rigtone_report::{exit::Code, sanitise};
use rigtone_rig::{
    capability::Address,
    hardware::{self, Sighting},
    lock::{Locks, Resource},
};

use super::{New, today};
use crate::{documents, open::locked, trouble::Trouble};

/// The source of what was seen.
pub(super) const SOURCE: &str = "seen";

/// What was seen of it.
pub(super) struct Seen {
    /// The day.
    pub(super) on: String,
    /// Who saw it.
    pub(super) source: String,
    pub(super) name: Option<String>,
    pub(super) roles: Vec<Role>,
    /// What else its answer said, in a sentence.
    pub(super) answer: Option<String>,
}

/// Searches for it, if a dongle is named; with the lock of rig and dongle.
pub(super) fn seen(what: &New) -> Result<Option<Seen>, Trouble> {
    let (Some(dongle), Some(rig), Some(address)) = (&what.from_dongle, &what.rig, &what.address) else {
        return Ok(None);
    };
    let target: Address =
        address.parse().map_err(|why: String| Trouble::usage(why).hint("write it such as `04:21:44:00:00:01`"))?;
    let (rig, _) = documents::rig(rig, &what.devices)?;
    if rig.world == World::Simulated {
        return Err(Trouble::usage(format!(
            "the rig `{}` is a simulated one: its dongles see no device of the market",
            rig.rig
        ))
        .hint("name the rig's document of your lab, or leave out --from-dongle"));
    }
    let Some(document) = rig.dongles.get(dongle) else {
        let there = rig.dongles.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        return Err(Trouble::usage(format!("the rig `{}` has no dongle `{dongle}`", rig.rig))
            .hint(format!("there are {there}")));
    };
    let _locks =
        Locks::take(&rig.rig, [Resource::dongle(dongle, &document.address)]).map_err(|error| locked(&error))?;
    let runtime = hardware::runtime().map_err(|e| Trouble::new(Code::Internal, format!("no event queue: {e}")))?;
    let sighting = runtime.block_on(hardware::sight(dongle, document, target, what.within.ns()));
    let answer = sighting.map_err(|error| crate::open::refused(&rig, &error))?;
    let sighting = answer.map_err(|fault| crate::open::infrastructure(&rig, &fault))?.map_err(|failure| {
        Trouble::new(Code::Failure, failure).hint("bring it into pairing mode, near the dongle, and search again")
    })?;
    Ok(Some(of(&sighting, &format!("dongle {dongle} of rig {}, of {target}", rig.rig), today())))
}

/// What a sighting means.
fn of(sighting: &Sighting, by: &str, on: String) -> Seen {
    let classes: Vec<ServiceClass> =
        sighting.services.iter().filter_map(|uuid| ServiceClass::from_u128(*uuid)).collect();
    let role = |class: &ServiceClass| match class.0 {
        0x110A => Some(Role::A2dpSource),
        0x110B => Some(Role::A2dpSink),
        0x111E => Some(Role::HfpUnit),
        0x111F => Some(Role::HfpGateway),
        _ => None,
    };
    let services =
        classes.iter().map(|class| format!("0x{:04X} ({})", class.0, class.name())).collect::<Vec<_>>().join(", ");
    let parts: Vec<String> = [
        sighting.class.map(|class| format!("the class of device 0x{class:06X}")),
        (!services.is_empty()).then(|| format!("the services {services}")),
        sighting.device_id.as_ref().map(|id| format!("the Device ID {id}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let name =
        sighting.name.as_deref().map(|name| sanitise::line(name).trim().to_owned()).filter(|name| !name.is_empty());
    Seen {
        on,
        source: format!("its answer to an inquiry, by {by}"),
        name,
        roles: classes.iter().filter_map(role).collect(),
        answer: (!parts.is_empty()).then(|| format!("answers an inquiry with {}", parts.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rigtone_bluetooth::uuid::{A2DP_SINK, ServiceClass};

    /// A UUID of a maker's own is no service class.
    #[test]
    fn a_sighting_says_roles_and_what_else_the_answer_held() {
        let sighting = Sighting {
            name: Some("JBL\u{1b}[2J Charge".into()),
            class: Some(0x24_0414),
            services: vec![
                A2DP_SINK.as_u128(),
                ServiceClass(0x111E).as_u128(),
                0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0,
            ],
            device_id: Some("bluetooth:v0057p0301d0211".into()),
        };
        let seen = of(&sighting, "dongle a of rig lab, of 00:00:00:00:00:01", "2026-11-30".into());
        assert_eq!(seen.roles, [Role::A2dpSink, Role::HfpUnit]);
        assert!(!seen.name.unwrap().contains('\u{1b}'), "a device writes no commands into a document");
        let due = "answers an inquiry with the class of device 0x240414, the services 0x110B (audio sink), 0x111E (hands-free unit), \
                   the Device ID bluetooth:v0057p0301d0211";
        assert_eq!(seen.answer.as_deref(), Some(due));
        let silent = of(&Sighting::default(), "", String::new());
        assert_eq!((silent.name, silent.roles, silent.answer), (None, vec![], None));
    }
}
