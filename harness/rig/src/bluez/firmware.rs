//! What a device says of its firmware over a link.

use rigtone_model::trial::InfrastructureFault;

use super::dongle::{Called, Dongle};
use super::errors::Call;
use crate::{
    capability::Address,
    clock::{Clock, Instant},
};

/// Device Information (Bluetooth Assigned Numbers, section 3.4.1).
const DEVICE_INFORMATION: u16 = 0x180A;
/// Firmware Revision String (section 3.8.1).
const FIRMWARE_REVISION: u16 = 0x2A26;

fn short(uuid: u16) -> bluer::Uuid {
    bluer::Uuid::from_u128((u128::from(uuid) << 96) | 0x1000_8000_0080_5f9b_34fb)
}

impl Dongle {
    /// The Device ID record of a device that is linked, as `usb:v1D6Bp0246d0540`; nothing when it has none. BlueZ knows it when it has read the
    /// services.
    ///
    /// # Errors
    /// When BlueZ does not answer.
    pub async fn device_id(&self, target: Address, deadline: Instant) -> Result<Option<String>, InfrastructureFault> {
        let live = self.live(deadline).await?;
        let device = live.device(target).map_err(|e| self.fault(e.to_string()))?;
        loop {
            let modalias = self.ask("reading the Device ID", deadline, || device.modalias()).await?.flatten();
            if let Some(m) = modalias {
                return Ok(Some(format!("{}:v{:04X}p{:04X}d{:04X}", m.source, m.vendor, m.product, m.device)));
            }
            let resolved = self.ask("reading the services", deadline, || device.is_services_resolved()).await?;
            let linked = self.ask("reading the state of the link", deadline, || device.is_connected()).await?;
            if resolved != Some(false) || linked != Some(true) || self.clock().now() >= deadline {
                return Ok(None);
            }
            self.moment(deadline).await;
        }
    }

    /// The Firmware Revision String of a device that is linked over LE; nothing when it offers none there.
    ///
    /// # Errors
    /// When BlueZ does not answer.
    pub async fn firmware_revision(
        &self,
        target: Address,
        deadline: Instant,
    ) -> Result<Option<String>, InfrastructureFault> {
        const DOING: &str = "reading the firmware revision";
        let live = self.live(deadline).await?;
        let device = live.device(target).map_err(|e| self.fault(e.to_string()))?;
        for service in self.ask(DOING, deadline, || device.services()).await?.unwrap_or_default() {
            if self.ask(DOING, deadline, || service.uuid()).await? != Some(short(DEVICE_INFORMATION)) {
                continue;
            }
            for text in self.ask(DOING, deadline, || service.characteristics()).await?.unwrap_or_default() {
                if self.ask(DOING, deadline, || text.uuid()).await? != Some(short(FIRMWARE_REVISION)) {
                    continue;
                }
                // That the device does not let it be read is its own business, and says nothing of the rig.
                return Ok(match self.call(Call::Connect, DOING, deadline, || text.read()).await? {
                    Called::Done(octets) => Some(revision(&octets)),
                    Called::Already | Called::Failed(_) | Called::Late => None,
                });
            }
        }
        Ok(None)
    }
}

/// A revision as text: some devices end it with zeros.
fn revision(octets: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(octets).trim_end_matches('\0').chars().take(248).collect();
    text.trim().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"2.1.1", "2.1.1")]
    #[case(b"2.1.1\0\0", "2.1.1")]
    #[case(b" 2.1.1\r\n", "2.1.1")]
    #[case(b"2\x07.1", "2\\u{7}.1")]
    #[case(b"", "")]
    fn a_revision_is_shown_as_text(#[case] octets: &[u8], #[case] shown: &str) {
        assert_eq!(revision(octets), shown);
    }

    #[test]
    fn assigned_numbers_are_part_of_the_base_uuid() {
        assert_eq!(short(FIRMWARE_REVISION).to_string(), "00002a26-0000-1000-8000-00805f9b34fb");
    }
}
