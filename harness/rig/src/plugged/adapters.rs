//! Which relay boards use which USB adapter. An adapter tells a maker of chips and never a protocol: what stands here is said
//! to whoever writes the rig's document, and nothing is ever sent because of it.

/// An adapter, and what is sold with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adapter {
    /// The chip, or the maker.
    pub chip: &'static str,
    /// Families of relay boards that come with it, in the words of a rig's document.
    pub families: &'static [&'static str],
}

/// Vendor and product (nothing: any product of the vendor), and what is known of them.
const ADAPTERS: &[(&str, Adapter)] = &[
    ("1a86:7523", Adapter { chip: "CH340", families: &["lcus", "modbus-rtu", "sainsmart"] }),
    ("1a86:5523", Adapter { chip: "CH341", families: &["sainsmart"] }),
    ("1a86:55d3", Adapter { chip: "CH343", families: &["modbus-rtu"] }),
    ("0403:6001", Adapter { chip: "FTDI FT232/FT245", families: &["kmtronic", "dlp-ior4", "modbus-rtu", "conrad"] }),
    ("067b:2303", Adapter { chip: "PL2303", families: &["icstation", "conrad"] }),
    ("10c4:ea60", Adapter { chip: "CP210x", families: &["modbus-rtu", "conrad"] }),
    ("04d8:ffee", Adapter { chip: "Devantech", families: &["devantech"] }),
    ("10cf:8090", Adapter { chip: "Velleman K8090", families: &["k8090"] }),
    ("2a19", Adapter { chip: "Numato Lab", families: &["numato"] }),
];

/// What is known of an adapter by its vendor and product, such as `1a86:7523`.
pub fn adapter(id: &str) -> Option<Adapter> {
    let vendor = id.split(':').next().unwrap_or_default();
    ADAPTERS.iter().find(|(of, _)| *of == id || *of == vendor).map(|(_, adapter)| *adapter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1a86:7523", Some("CH340"))]
    #[case("2a19:0c05", Some("Numato Lab"))]
    #[case("0403:6015", None)]
    #[case("", None)]
    fn an_adapter_is_known_by_its_numbers(#[case] id: &str, #[case] chip: Option<&str>) {
        assert_eq!(adapter(id).map(|adapter| adapter.chip), chip);
    }

    const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rigs/udev/70-rigtone.rules");

    /// The rules in force: each its matches and what it sets.
    fn rules() -> Vec<String> {
        let text = std::fs::read_to_string(RULES).expect("the rules");
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn nobody_asks_the_port_of_a_known_adapter_whether_it_is_a_modem() {
        for (id, adapter) in ADAPTERS {
            let (vendor, product) = id.split_once(':').unwrap_or((id, ""));
            let of_adapter = |rule: &&String| {
                rule.contains(&format!("ATTRS{{idVendor}}==\"{vendor}\""))
                    && (!rule.contains("idProduct") || rule.contains(&format!("ATTRS{{idProduct}}==\"{product}\"")))
            };
            let rules = rules();
            let rule = rules.iter().find(of_adapter).unwrap_or_else(|| panic!("no rule for {}", adapter.chip));
            assert!(rule.starts_with("SUBSYSTEM==\"tty\"") && rule.ends_with("ENV{ID_MM_PORT_IGNORE}=\"1\""), "{rule}");
        }
    }

    #[test]
    fn every_rule_is_a_list_of_matches_and_of_what_they_set() {
        for rule in rules() {
            let mut sets = 0;
            for part in rule.split(", ") {
                let (key, value) = part.split_once('=').expect("a key and a value");
                let key = key.trim_end_matches('+');
                let name = key.split('{').next().unwrap_or_default();
                assert!(name.bytes().all(|byte| byte.is_ascii_uppercase()), "{part}");
                assert!(value.trim_start_matches('=').starts_with('"') && value.ends_with('"'), "{part}");
                sets += usize::from(!value.starts_with('='));
            }
            assert!(sets > 0, "{rule} sets nothing");
        }
    }

    /// Where udev can be asked: since its version 254.
    #[test]
    fn udev_understands_the_rules() {
        let Ok(done) = std::process::Command::new("udevadm").args(["verify", RULES]).output() else { return };
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() || said.contains("Unknown command verb"), "{said}");
    }
}
