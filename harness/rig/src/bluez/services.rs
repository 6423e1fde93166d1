//! Service records: those of a dongle, as BlueZ states them, and those of a device, asked for over the air before anybody pairs.
//!
//! BlueZ reads the records of a device that it has paired or connects, and not before: the question is asked by ourselves, over a channel of
//! L2CAP to the device's service discovery, which needs neither bond nor encryption.

use std::io::ErrorKind;

use async_trait::async_trait;
use bluer::l2cap::{SeqPacket, Socket, SocketAddr};
use rigtone_bluetooth::sdp::Query;
use rigtone_model::{
    document::{Codec, Profile},
    trial::{DeviceFailure, FailureClass, InfrastructureFault},
};

use super::{dongle::Live, endpoint::Endpoint};
use crate::{
    capability::{Address, Answer, ServiceRecords, Wish},
    clock::Instant,
    hardware::within,
};

/// The channel of service discovery.
const PSM_SDP: u16 = 1;
/// The longest packet that is taken; the kernel offers 672 bytes when nobody asks for more.
const LONGEST: usize = 4096;

/// What keeps records from being read.
enum Trouble {
    /// The call or a packet of it failed.
    Io(std::io::Error),
    /// The answer is none.
    Answer(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A UUID in its short form, when it has one.
fn short(uuid: &bluer::Uuid) -> Option<u16> {
    const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;
    let (head, rest) = (uuid.as_u128() >> 96, uuid.as_u128() & (u128::MAX >> 32));
    u16::try_from(head).ok().filter(|_| rest == BASE)
}

async fn ask(own: bluer::Address, target: Address) -> Result<Vec<u16>, Trouble> {
    let at = |address, psm| SocketAddr::new(address, bluer::AddressType::BrEdr, psm);
    let socket = Socket::<SeqPacket>::new_seq_packet()?;
    socket.bind(at(own, 0))?;
    let channel = socket.connect(at(bluer::Address(target.0), PSM_SDP)).await?;
    let (mut query, mut packet) = (Query::default(), vec![0; LONGEST]);
    loop {
        channel.send(&query.packet()).await?;
        let length = channel.recv(&mut packet).await?;
        if length == 0 {
            return Err(Trouble::Io(ErrorKind::ConnectionReset.into()));
        }
        let found = query.take(&packet[..length]).map_err(|e| Trouble::Answer(e.to_string()))?;
        if let Some(records) = found {
            return Ok(records.into_iter().flat_map(|record| record.classes).collect());
        }
    }
}

/// Whether the device, and not the host, kept a call from succeeding.
fn is_of_device(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TimedOut
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::HostUnreachable
            | ErrorKind::NotConnected
    )
}

/// EHOSTDOWN, by which the kernel says that a call was not answered; the standard library has no name for it.
const HOST_DOWN: i32 = 112;

#[async_trait(?Send)]
impl ServiceRecords for Endpoint {
    async fn own(&self, deadline: Instant) -> Result<Vec<u16>, InfrastructureFault> {
        let live = self.dongle().live(deadline).await?;
        self.dongle().unless_lost(&live, self.own_by(&live, deadline)).await
    }

    async fn of(&self, target: Address, deadline: Instant) -> Answer<Vec<u16>> {
        let live = self.dongle().live(deadline).await?;
        self.dongle().unless_lost(&live, self.of_by(&live, target, deadline)).await
    }
}

impl Endpoint {
    async fn own_by(&self, live: &Live, deadline: Instant) -> Result<Vec<u16>, InfrastructureFault> {
        if !live.media.is_offering().await {
            // Without an endpoint BlueZ has no record of A2DP; whoever connects or waits afterwards offers what it needs.
            let usual = Wish { profile: Profile::A2dp, codec: Codec::Sbc, configured: None };
            let offers = self.offers(usual)?;
            self.dongle().ask("offering the codec", deadline, || live.media.offer(self.role(), &offers)).await?;
        }
        let uuids = self.dongle().ask("reading its service records", deadline, || live.adapter.uuids()).await?;
        Ok(uuids.flatten().into_iter().flatten().filter_map(|uuid| short(&uuid)).collect())
    }

    async fn of_by(&self, live: &Live, target: Address, deadline: Instant) -> Answer<Vec<u16>> {
        // A call while BlueZ searches waits for the end of the search.
        self.until_quiet(live, deadline).await?;
        let own = bluer::Address(self.dongle().address().0);
        let failed = |what: String| {
            let detail = format!("the service records of {target} could not be read: {what}");
            Ok(Err(DeviceFailure::new(FailureClass::NotConnected, detail)))
        };
        match within(self.dongle().clock(), deadline, ask(own, target)).await {
            Some(Ok(classes)) => Ok(Ok(classes)),
            Some(Err(Trouble::Answer(what))) => failed(what),
            Some(Err(Trouble::Io(error))) if error.raw_os_error() == Some(HOST_DOWN) => {
                failed("it did not answer the call".to_owned())
            }
            Some(Err(Trouble::Io(error))) if is_of_device(error.kind()) => failed(error.to_string()),
            Some(Err(Trouble::Io(error))) => {
                let what = format!("a channel to the service discovery of {target} failed: {error}");
                Err(self.dongle().fault(what).hint("see the kernel's log of that time (`dmesg`)"))
            }
            None => failed("no answer before the deadline".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0000110a-0000-1000-8000-00805f9b34fb", Some(0x110A))]
    #[case("0000110b-0000-1000-8000-00805f9b34fb", Some(0x110B))]
    // A service of 32 bits, and one of a vendor.
    #[case("0001110a-0000-1000-8000-00805f9b34fb", None)]
    #[case("0000110a-0000-1000-8000-00805f9b34fc", None)]
    fn a_class_is_short_on_the_base_uuid_alone(#[case] text: &str, #[case] class: Option<u16>) {
        assert_eq!(short(&text.parse().expect("a UUID")), class);
    }
}
