//! The ports of a USB hub as channels: on is the port that feeds what is plugged into it.

use std::{num::NonZeroU8, time::Duration};

use rigtone_model::{document, trial::InfrastructureFault};

use crate::{
    power::line::Line,
    usb::{HubPort, Port, Refusal, Sysfs},
};

/// The conversation with the kernel about a hub.
pub(crate) struct UsbHub {
    member: String,
    hub: String,
    sysfs: Sysfs,
}

impl UsbHub {
    pub(crate) fn new(member: &str, document: &document::UsbHub, sysfs: Sysfs) -> Self {
        Self { member: member.to_owned(), hub: document.usb.clone(), sysfs }
    }

    fn fault(&self, refusal: Refusal) -> InfrastructureFault {
        InfrastructureFault::new(&self.member, refusal.what).hint(refusal.hint)
    }

    fn port(&self, channel: NonZeroU8) -> Result<HubPort, InfrastructureFault> {
        let place = match self.hub.strip_prefix("usb") {
            Some(bus) => format!("{bus}-{channel}"),
            None => format!("{}.{channel}", self.hub),
        };
        let port: Port = place.parse().map_err(|what: String| {
            InfrastructureFault::new(&self.member, what).hint("correct `usb` in the rig file: `rigtone rig list`")
        })?;
        Ok(HubPort::of(&self.sysfs, &port))
    }
}

impl Line for UsbHub {
    fn open(&mut self) -> Result<(), InfrastructureFault> {
        // The files of its ports are opened for each order.
        Ok(())
    }

    fn switch(&mut self, channel: NonZeroU8, on: bool) -> Result<Option<bool>, InfrastructureFault> {
        self.port(channel)?.set(on).map_err(|refusal| self.fault(refusal))?;
        self.position(channel)
    }

    fn position(&mut self, channel: NonZeroU8) -> Result<Option<bool>, InfrastructureFault> {
        let port = self.port(channel)?;
        port.is_fed().map(Some).map_err(|refusal| self.fault(refusal))
    }

    fn alive(&mut self) -> Result<(), InfrastructureFault> {
        self.port(NonZeroU8::MIN)?.usable().map_err(|refusal| self.fault(refusal))
    }

    fn spacing(&self) -> Duration {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{power::network::fake::number, usb::tree::Tree};
    use rstest::rstest;
    use std::fs;

    fn hub(tree: &Tree, usb: &str) -> UsbHub {
        UsbHub::new("relay hub", &document::UsbHub { usb: usb.to_owned() }, tree.sysfs())
    }

    #[rstest]
    #[case("1-2", "bus/usb/devices/1-2:1.0/1-2-port3/disable")]
    #[case("1-2.4", "bus/usb/devices/1-2.4:1.0/1-2.4-port3/disable")]
    #[case("usb1", "bus/usb/devices/1-0:1.0/usb1-port3/disable")]
    fn a_channel_is_a_port_of_the_hub(#[case] usb: &str, #[case] file: &str) {
        let tree = Tree::new();
        tree.file(file, b"0\n");
        let value = || fs::read_to_string(tree.path(file)).expect("there").chars().take(1).collect::<String>();
        let mut hub = hub(&tree, usb);
        assert_eq!(hub.position(number(3)), Ok(Some(true)));
        assert_eq!(hub.switch(number(3), false), Ok(Some(false)));
        assert_eq!(value(), "1", "the file says what is off");
        assert_eq!(hub.switch(number(3), true), Ok(Some(true)));
        assert_eq!(value(), "0");
    }

    #[test]
    fn a_hub_that_is_not_there_is_the_rigs_fault() {
        let fault = hub(&Tree::new(), "1-2").switch(number(3), true).expect_err("no hub");
        assert!(fault.member == "relay hub" && fault.hint.is_some(), "{fault:?}");
        let fault = hub(&Tree::new(), "1-2").position(number(3)).expect_err("no hub");
        assert!(fault.what.contains("cannot be read") && fault.hint.is_some(), "{fault:?}");
    }
}
