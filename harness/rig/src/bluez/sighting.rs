//! What BlueZ knows of a device after an inquiry.

use std::rc::Rc;

use super::{Dongle, Endpoint, EndpointRole};
use crate::{
    capability::{Address, Answer, Inquiry as _},
    clock::{Clock as _, Instant},
    hardware::Sighting,
};

/// How long asking for what is known may take after the device has answered.
const ASKING_NS: i64 = 5_000_000_000;

/// Searches until the device answers, and tells what its answer said. No link is made.
///
/// # Errors
/// When the dongle or BlueZ fails.
pub async fn sight(dongle: &Rc<Dongle>, target: Address, deadline: Instant) -> Answer<Sighting> {
    if let Err(failure) = Endpoint::new(dongle.clone(), EndpointRole::Source).find(target, None, deadline).await? {
        return Ok(Err(failure));
    }
    let deadline = dongle.clock().now().plus(ASKING_NS);
    let live = dongle.live(deadline).await?;
    let device = live.device(target).map_err(|e| dongle.fault(e.to_string()))?;
    let name = dongle.ask("reading the name", deadline, || device.name()).await?.flatten();
    let class = dongle.ask("reading the class", deadline, || device.class()).await?.flatten();
    let services = dongle.ask("reading the services", deadline, || device.uuids()).await?.flatten();
    let mut services: Vec<u128> = services.into_iter().flatten().map(|uuid| uuid.as_u128()).collect();
    services.sort_unstable();
    let device_id = dongle.ask("reading the Device ID", deadline, || device.modalias()).await?.flatten();
    let device_id = device_id.map(|m| format!("{}:v{:04X}p{:04X}d{:04X}", m.source, m.vendor, m.product, m.device));
    Ok(Ok(Sighting { name, class, services, device_id }))
}
