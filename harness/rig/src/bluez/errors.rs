//! What BlueZ's errors mean: the device's failure, the rig's fault, or neither.
//!
//! Pure; the sources are BlueZ's `src/error.c`, `src/device.c` and `profiles/audio`. What is unknown is the rig's: then
//! nothing is known about the device.

use std::fmt;

use rigtone_model::trial::FailureClass;

/// The call that failed. The same name means different things in different calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `Device1.Pair`.
    Pair,
    /// `Device1.ConnectProfile`.
    Connect,
    /// `Device1.Disconnect` and `Adapter1.RemoveDevice`.
    Leave,
    /// `MediaTransport1.Acquire`.
    Acquire,
    /// Anything that does not depend on the device.
    Rig,
}

/// An error as it came over D-Bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackError {
    /// Its name, such as `org.bluez.Error.Failed`.
    pub name: String,
    /// Its message, which often says more.
    pub message: String,
}

impl StackError {
    /// An error of this name and message.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into() }
    }
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.strip_prefix("org.bluez.Error.").unwrap_or(&self.name);
        match self.message.as_str() {
            "" => f.write_str(name),
            message => write!(f, "{name} ({message})"),
        }
    }
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The device failed in this way.
    Device(FailureClass, &'static str),
    /// The rig failed; what to do.
    Rig(&'static str),
    /// BlueZ is busy with something that ends by itself: ask again.
    Again,
    /// What was asked is so already.
    Already,
}

const UNKNOWN: Meaning = Meaning::Rig("see the HCI capture and bluetoothd's log for the cause");
const BUS: &str = "see that the system bus runs (`systemctl status dbus`)";
const GONE: Meaning =
    Meaning::Rig("see that the dongle is plugged in and bluetoothd runs (`systemctl status bluetooth`)");

/// What `error` means as the answer to `call`.
pub fn meaning(call: Call, error: &StackError) -> Meaning {
    if let Some(name) = error.name.strip_prefix("org.freedesktop.DBus.Error.") {
        return bus(call, name);
    }
    let Some(name) = error.name.strip_prefix("org.bluez.Error.") else { return GONE };
    if name == "NotReady" {
        return Meaning::Rig("power the dongle; see `rfkill list bluetooth`");
    }
    match call {
        Call::Pair => pair(name),
        Call::Connect => connect(name, &error.message),
        Call::Leave => match name {
            "NotConnected" | "DoesNotExist" => Meaning::Already,
            "InProgress" | "Busy" => Meaning::Again,
            _ => UNKNOWN,
        },
        Call::Acquire => match name {
            "InProgress" => Meaning::Again,
            "NotAuthorized" => {
                Meaning::Rig("another program owns the stream: end PipeWire, PulseAudio and bluez-alsa on this dongle")
            }
            "Failed" | "NotAvailable" => Meaning::Device(FailureClass::NoStream, "the stream could not be started"),
            _ => UNKNOWN,
        },
        Call::Rig => match name {
            "InProgress" | "Busy" => Meaning::Again,
            "AlreadyExists" => Meaning::Already,
            _ => UNKNOWN,
        },
    }
}

fn bus(call: Call, name: &str) -> Meaning {
    match (call, name) {
        // The object of a device that was removed, or of a stream whose link is down.
        (Call::Leave, "UnknownObject") => Meaning::Already,
        (Call::Acquire, "UnknownObject" | "UnknownMethod") => {
            Meaning::Device(FailureClass::LinkLost, "the link went down before the stream began")
        }
        (_, "NoServer" | "FileNotFound" | "Disconnected") => Meaning::Rig(BUS),
        (_, "AccessDenied") => Meaning::Rig("give this user the right to use BlueZ (group bluetooth)"),
        _ => GONE,
    }
}

fn pair(name: &str) -> Meaning {
    use FailureClass::{LinkLost, PairingRefused, PairingTimedOut};
    match name {
        "AuthenticationFailed" => Meaning::Device(PairingRefused, "the device refused to pair"),
        "AuthenticationRejected" => Meaning::Device(PairingRefused, "the device rejected the pairing"),
        "AuthenticationTimeout" => Meaning::Device(PairingTimedOut, "the device did not answer the pairing"),
        "AuthenticationCanceled" => Meaning::Device(LinkLost, "the link went down while pairing"),
        "ConnectionAttemptFailed" => Meaning::Device(PairingTimedOut, "the device did not answer the page"),
        "AlreadyExists" => Meaning::Rig("a bond from before is still there: let the scenario `forget` first"),
        "InProgress" => Meaning::Again,
        _ => UNKNOWN,
    }
}

fn connect(name: &str, message: &str) -> Meaning {
    use FailureClass::{NoStream, NotConnected, Unsupported, WrongRole};
    let cause = match name {
        "AlreadyConnected" => return Meaning::Already,
        "InProgress" | "Busy" => return Meaning::Again,
        "ConnectionAttemptFailed" => return Meaning::Device(NotConnected, "the device did not answer the page"),
        "AuthenticationFailed" | "AuthenticationRejected" => {
            return Meaning::Device(NotConnected, "the device did not accept the bond");
        }
        "BREDR.ProfileUnavailable" => "profile-unavailable",
        _ if name.starts_with("A2DP.") => {
            return Meaning::Device(NoStream, "the device refused the configuration");
        }
        // The second where no profile is left to connect.
        "Failed" | "NotAvailable" => message.strip_prefix("br-connection-").unwrap_or_default(),
        _ => return UNKNOWN,
    };
    match cause {
        "page-timeout" => Meaning::Device(NotConnected, "the device did not answer the page"),
        "timeout" => Meaning::Device(NotConnected, "the device did not answer in time"),
        "refused" => Meaning::Device(NotConnected, "the device refused the channel"),
        "aborted-by-remote" => Meaning::Device(NotConnected, "the device broke the connection off"),
        "key-missing" => Meaning::Device(NotConnected, "the device has forgotten the bond"),
        "lmp-protocol-error" => Meaning::Device(NotConnected, "the device violated the link protocol"),
        "sdp-search" => Meaning::Device(NotConnected, "the device's service records could not be read"),
        "not-supported" => Meaning::Device(Unsupported, "the device does not support the profile"),
        "profile-unavailable" => {
            Meaning::Device(WrongRole, "the device has no service record of the A2DP role that was asked for")
        }
        // BlueZ's word for any I/O error while it sets the stream up.
        "create-socket" => Meaning::Device(
            NoStream,
            "the stream was not set up: the device has no codec in common or refused the configuration",
        ),
        "busy" => Meaning::Again,
        "already-connected" => Meaning::Already,
        "concurrent-connection-limit" => Meaning::Rig("use another dongle: this one has no link left"),
        "adapter-not-powered" => Meaning::Rig("power the dongle; see `rfkill list bluetooth`"),
        _ => UNKNOWN,
    }
}

#[cfg(feature = "bluez")]
impl From<bluer::Error> for StackError {
    fn from(error: bluer::Error) -> Self {
        use bluer::{ErrorKind, InternalErrorKind};
        let name = match error.kind {
            ErrorKind::Internal(InternalErrorKind::DBus(name)) => name,
            ErrorKind::NotFound => "org.freedesktop.DBus.Error.UnknownObject".to_owned(),
            ErrorKind::Internal(other) => format!("bluer.{other:?}"),
            named => format!("org.bluez.Error.{named:?}"),
        };
        Self { name, message: error.message }
    }
}

#[cfg(feature = "bluez")]
impl From<zbus::Error> for StackError {
    fn from(error: zbus::Error) -> Self {
        use zbus::DBusError as _;
        match error {
            zbus::Error::MethodError(name, message, _) => Self::new(name.as_str(), message.unwrap_or_default()),
            zbus::Error::FDO(error) => Self::new(error.name().as_str(), error.description().unwrap_or_default()),
            zbus::Error::InputOutput(e) => Self::new("org.freedesktop.DBus.Error.Disconnected", e.to_string()),
            other => Self::new("zbus", other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureClass::{LinkLost, NoStream, NotConnected, PairingRefused, PairingTimedOut, WrongRole};
    use rstest::rstest;

    #[derive(Debug, PartialEq)]
    enum Kind {
        Device(FailureClass),
        Rig,
        Again,
        Already,
    }
    use Kind::{Again, Already, Device, Rig};

    #[rstest]
    #[case(Call::Pair, "org.bluez.Error.AuthenticationFailed", "Authentication Failed", Device(PairingRefused))]
    #[case(Call::Pair, "org.bluez.Error.AuthenticationRejected", "Authentication Rejected", Device(PairingRefused))]
    #[case(Call::Pair, "org.bluez.Error.AuthenticationTimeout", "Authentication Timeout", Device(PairingTimedOut))]
    #[case(Call::Pair, "org.bluez.Error.AuthenticationCanceled", "Authentication Canceled", Device(LinkLost))]
    #[case(Call::Pair, "org.bluez.Error.ConnectionAttemptFailed", "Page Timeout", Device(PairingTimedOut))]
    #[case(Call::Pair, "org.bluez.Error.AlreadyExists", "Already Paired", Rig)]
    #[case(Call::Pair, "org.bluez.Error.InProgress", "In Progress", Again)]
    #[case(Call::Pair, "org.bluez.Error.NotReady", "Resource Not Ready", Rig)]
    #[case(Call::Pair, "org.freedesktop.DBus.Error.NoReply", "", Rig)]
    #[case(Call::Pair, "org.freedesktop.DBus.Error.UnknownObject", "", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-page-timeout", Device(NotConnected))]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-create-socket", Device(NoStream))]
    #[case(Call::Connect, "org.bluez.Error.A2DP.UnsupportedConfiguration", "", Device(NoStream))]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-profile-unavailable", Device(WrongRole))]
    #[case(Call::Connect, "org.bluez.Error.NotAvailable", "br-connection-profile-unavailable", Device(WrongRole))]
    #[case(
        Call::Connect,
        "org.bluez.Error.BREDR.ProfileUnavailable",
        "No more profiles to connect to",
        Device(WrongRole)
    )]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-refused", Device(NotConnected))]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-aborted-by-remote", Device(NotConnected))]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-aborted-by-local", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-key-missing", Device(NotConnected))]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-busy", Again)]
    #[case(Call::Connect, "org.bluez.Error.InProgress", "br-connection-busy", Again)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-already-connected", Already)]
    #[case(Call::Connect, "org.bluez.Error.AlreadyConnected", "Already Connected", Already)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-adapter-not-powered", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-concurrent-connection-limit", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-memory-allocation", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "br-connection-unknown", Rig)]
    #[case(Call::Connect, "org.bluez.Error.Failed", "words of a later version", Rig)]
    #[case(Call::Connect, "org.freedesktop.DBus.Error.ServiceUnknown", "", Rig)]
    #[case(Call::Leave, "org.bluez.Error.NotConnected", "Not Connected", Already)]
    #[case(Call::Leave, "org.bluez.Error.DoesNotExist", "Does Not Exist", Already)]
    #[case(Call::Leave, "org.freedesktop.DBus.Error.UnknownObject", "", Already)]
    #[case(Call::Leave, "org.bluez.Error.Failed", "", Rig)]
    #[case(Call::Acquire, "org.bluez.Error.Failed", "Input/output error", Device(NoStream))]
    #[case(Call::Acquire, "org.bluez.Error.NotAuthorized", "Operation Not Authorized", Rig)]
    #[case(Call::Acquire, "org.freedesktop.DBus.Error.UnknownObject", "", Device(LinkLost))]
    #[case(Call::Acquire, "org.freedesktop.DBus.Error.Disconnected", "", Rig)]
    #[case(Call::Rig, "org.bluez.Error.Busy", "", Again)]
    #[case(Call::Rig, "org.bluez.Error.AlreadyExists", "Already Exists", Already)]
    #[case(Call::Rig, "org.bluez.Error.Failed", "", Rig)]
    #[case(Call::Rig, "zbus", "I/O error", Rig)]
    fn every_error_has_its_meaning(#[case] call: Call, #[case] name: &str, #[case] message: &str, #[case] kind: Kind) {
        let found = match meaning(call, &StackError::new(name, message)) {
            Meaning::Device(class, _) => Device(class),
            Meaning::Rig(_) => Rig,
            Meaning::Again => Again,
            Meaning::Already => Already,
        };
        assert_eq!(found, kind);
    }

    #[rstest]
    #[case("org.bluez.Error.Failed", "br-connection-busy", "Failed (br-connection-busy)")]
    #[case("org.bluez.Error.NotReady", "", "NotReady")]
    #[case("org.freedesktop.DBus.Error.NoReply", "", "org.freedesktop.DBus.Error.NoReply")]
    fn an_error_is_shown_in_bluez_words(#[case] name: &str, #[case] message: &str, #[case] shown: &str) {
        assert_eq!(StackError::new(name, message).to_string(), shown);
    }
}
