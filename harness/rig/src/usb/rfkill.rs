//! Radios that the host keeps silent.

use std::{fmt, fs};

use super::{Sysfs, attribute};

/// A switch of the host that keeps a dongle silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The switch, such as `rfkill0`.
    pub switch: String,
    /// Whether it is a switch or key of the host itself, which no program turns.
    pub hard: bool,
}

impl Block {
    /// What to do.
    pub fn hint(&self) -> &'static str {
        if self.hard {
            "turn Bluetooth on by the switch or key of the host; `rfkill list` shows it"
        } else {
            "run `rfkill unblock bluetooth` as root, and see what blocks it at boot (`systemctl status systemd-rfkill`)"
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.hard { "by hardware" } else { "by software" };
        write!(f, "blocked {how} ({})", self.switch)
    }
}

impl Sysfs {
    /// What keeps a dongle silent: its own switch, or one of the host for all Bluetooth. A switch that cannot be read
    /// keeps nothing silent, as far as is known.
    pub fn block(&self, dongle: u32) -> Option<Block> {
        let mut blocks = Vec::new();
        for entry in fs::read_dir(self.root.join("class/rfkill")).ok()?.flatten() {
            let read = |name: &str| attribute(&entry.path().join(name)).unwrap_or_default();
            let switch = entry.file_name().to_string_lossy().into_owned();
            let name = read("name");
            let of_other = name.strip_prefix("hci").and_then(|n| n.parse().ok()).is_some_and(|n: u32| n != dongle);
            if read("type") != "bluetooth" || of_other {
                continue;
            }
            let hard = read("hard") == "1";
            if hard || read("soft") == "1" {
                blocks.push(Block { switch, hard });
            }
        }
        // What only a hand can turn comes first: all else is in vain.
        blocks.sort_by_key(|block| (!block.hard, block.switch.clone()));
        blocks.into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Tree, *};
    use rstest::rstest;

    fn switch(tree: &Tree, number: u32, name: &str, kind: &str, soft: &str, hard: &str) {
        for (attribute, value) in [("name", name), ("type", kind), ("soft", soft), ("hard", hard)] {
            tree.file(&format!("class/rfkill/rfkill{number}/{attribute}"), format!("{value}\n").as_bytes());
        }
    }

    #[rstest]
    #[case::open(&[("hci0", "bluetooth", "0", "0")], None)]
    #[case::soft(&[("hci0", "bluetooth", "1", "0")], Some((0, false)))]
    #[case::hard(&[("hci0", "bluetooth", "0", "1")], Some((0, true)))]
    #[case::of_another(&[("hci1", "bluetooth", "1", "1")], None)]
    #[case::of_wlan(&[("phy0", "wlan", "1", "1")], None)]
    #[case::of_the_host(&[("tpacpi_bluetooth_sw", "bluetooth", "1", "0"), ("hci0", "bluetooth", "0", "0")], Some((0, false)))]
    #[case::both(&[("hci0", "bluetooth", "1", "0"), ("dell-bluetooth", "bluetooth", "0", "1")], Some((1, true)))]
    #[case::garbage(&[("hci0", "bluetooth", "\u{7f}", "x")], None)]
    fn what_keeps_a_dongle_silent_is_found(
        #[case] switches: &[(&str, &str, &str, &str)],
        #[case] found: Option<(u32, bool)>,
    ) {
        let tree = Tree::new();
        for (number, (name, kind, soft, hard)) in (0..).zip(switches) {
            switch(&tree, number, name, kind, soft, hard);
        }
        let block = tree.sysfs().block(0);
        assert_eq!(block, found.map(|(number, hard)| Block { switch: format!("rfkill{number}"), hard }));
    }

    #[test]
    fn a_host_without_such_switches_blocks_nothing() {
        assert_eq!(Tree::new().sysfs().block(0), None);
    }
}
