//! Which BlueZ this is: its version is part of every result.

use std::process::Command;

/// Where distributions keep the daemon; D-Bus does not tell its version.
const DAEMONS: [&str; 3] =
    ["/usr/libexec/bluetooth/bluetoothd", "/usr/lib/bluetooth/bluetoothd", "/usr/sbin/bluetoothd"];

/// The version of the installed bluetoothd, such as `5.66`.
pub fn version() -> Option<String> {
    let output = DAEMONS.iter().find_map(|daemon| Command::new(daemon).arg("--version").output().ok())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|version| !version.is_empty())
}

/// What is wrong with a version, where it is known to break trials. Sources: bluez/bluez issues 701 and 708 and the change
/// log of 5.72 (5.71); issues 1898, 1922, 2335 (5.86); issues 2285, 2321 (5.87).
pub fn known_trouble(version: &str) -> Option<&'static str> {
    match version {
        "5.71" => Some("it crashes when a stream is suspended, so that many trials are lost"),
        "5.86" => Some("its order of profiles makes dual-role devices connect as audio gateway only"),
        "5.87" => Some("it loads nothing from its cache of stream endpoints, and acquiring a stream fails"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("5.66", false)]
    #[case("5.71", true)]
    #[case("5.72", false)]
    #[case("5.82", false)]
    #[case("5.86", true)]
    #[case("5.87", true)]
    fn versions_known_to_be_broken_are_named(#[case] version: &str, #[case] broken: bool) {
        assert_eq!(known_trouble(version).is_some(), broken);
    }
}
