//! Relay boards: what switches supplies and buttons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A relay board: exactly one of the families of boards says what it is; without any it is simulated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RelayBoard {
    /// A board that speaks the LCUS protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lcus: Option<Lcus>,
    /// A board that speaks Modbus RTU, such as those of Waveshare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modbus_rtu: Option<ModbusRtu>,
    /// A USB relay module of Numato Lab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numato: Option<Numato>,
    /// A USB relay board of KMTronic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kmtronic: Option<KmTronic>,
    /// A USB relay module of Devantech.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devantech: Option<Devantech>,
    /// Velleman's K8090 or VM8090.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k8090: Option<K8090>,
    /// A chain of the relay cards 197720 or 197730 of Conrad; `channels` counts those of all cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conrad: Option<Conrad>,
    /// SainSmart's USB relay board with 16 channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sainsmart: Option<SainSmart>,
    /// DLP Design's DLP-IOR4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dlp_ior4: Option<DlpIor4>,
    /// A USB relay board of ICStation: ICSE012A, 013A or 014A.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icstation: Option<IcStation>,
    /// A HID relay board that calls itself `USBRelay1` to `USBRelay8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dcttech: Option<DctTech>,
    /// How many channels the board has.
    #[schemars(range(min = 1, max = 64))]
    pub channels: u8,
    /// What a simulated board cannot do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<SimulatedBoard>,
}

/// What a document says of the family of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The family, as the document spells it, such as `lcus`.
    pub family: &'static str,
    /// Where the board is.
    pub place: Place,
    /// How many channels boards of that family have; any number when empty.
    pub sizes: &'static [u8],
}

/// Where a board is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Behind a serial port.
    Serial(SerialPort),
    /// A HID, known by the USB port that it is plugged into, or by a serial number that it tells when it is asked.
    Hid {
        /// The USB port.
        usb: Option<String>,
        /// The serial number.
        serial: Option<String>,
    },
}

impl Place {
    /// What tells it from every other place that this host can reach, such as `/dev/serial/by-path/..` or `usb:1-1.4`: the
    /// journal of the board is kept under this name. None where nothing is named.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Serial(port) => port.key(),
            Self::Hid { usb, serial } => {
                usb.as_ref().map(|usb| format!("usb:{usb}")).or_else(|| Some(format!("hid:{}", serial.as_ref()?)))
            }
        }
    }

    /// The USB port, where that is what it is known by.
    pub fn usb(&self) -> Option<&str> {
        match self {
            Self::Serial(SerialPort { usb, .. }) | Self::Hid { usb, .. } => usb.as_deref(),
        }
    }

    /// The field of the document that names it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Serial(port) => port.field(),
            Self::Hid { usb: None, serial: Some(_) } => "serial",
            Self::Hid { .. } => "usb",
        }
    }
}

impl RelayBoard {
    /// The families that are stated; one of a board that `check` accepts in a rig of hardware.
    pub fn stated(&self) -> Vec<Stated> {
        let Self {
            lcus,
            modbus_rtu,
            numato,
            kmtronic,
            devantech,
            k8090,
            conrad,
            sainsmart,
            dlp_ior4,
            icstation,
            dcttech,
            channels: _,
            simulated: _,
        } = self;
        let all = [
            lcus.as_ref().map(Lcus::stated),
            modbus_rtu.as_ref().map(ModbusRtu::stated),
            numato.as_ref().map(Numato::stated),
            kmtronic.as_ref().map(KmTronic::stated),
            devantech.as_ref().map(Devantech::stated),
            k8090.as_ref().map(K8090::stated),
            conrad.as_ref().map(Conrad::stated),
            sainsmart.as_ref().map(SainSmart::stated),
            dlp_ior4.as_ref().map(DlpIor4::stated),
            icstation.as_ref().map(IcStation::stated),
            dcttech.as_ref().map(DctTech::stated),
        ];
        all.into_iter().flatten().collect()
    }

    /// What tells it from every other board, if its family and place are stated.
    pub fn key(&self) -> Option<String> {
        self.stated().first()?.place.key()
    }
}

/// How a simulated relay board behaves. What is left out is ideal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimulatedBoard {
    /// `true`: it never answers, so that the position of a contact is known by its effect at best.
    #[serde(default)]
    pub mute: bool,
}

/// A serial port: by its path, by the USB port that its adapter is plugged into, or by the adapter's serial number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SerialPort {
    /// Its path.
    pub path: Option<String>,
    /// The USB port of its adapter.
    pub usb: Option<String>,
    /// What the adapter has to be, as `lsusb` shows it.
    pub usb_id: Option<String>,
    /// The serial number that the adapter has to have.
    pub serial: Option<String>,
}

impl SerialPort {
    /// What tells it from every other port, if anything is named.
    pub fn key(&self) -> Option<String> {
        let Self { path, usb, serial, .. } = self;
        path.clone()
            .or_else(|| Some(format!("usb:{}", usb.as_ref()?)))
            .or_else(|| Some(format!("serial:{}", serial.as_ref()?)))
    }

    /// The field that names it.
    pub fn field(&self) -> &'static str {
        match self {
            Self { path: Some(_), .. } => "port",
            Self { usb: None, serial: Some(_), .. } => "serial",
            Self { .. } => "usb",
        }
    }
}

/// The type of a board on a serial port: the fields that say which port it is, and then its own.
macro_rules! on_a_serial_port {
    (
        $(#[$of_type:meta])* $name:ident is $family:literal with $sizes:expr;
        $($(#[$of_field:meta])* $field:ident: $kind:ty = $usual:expr,)*
    ) => {
        $(#[$of_type])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $name {
            /// The serial port, by a path that stays: `/dev/serial/by-path/...`. In its place, `usb` or `serial` name it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(regex(pattern = r"^/"), extend("examples" = ["/dev/serial/by-path/..."]))]
            pub port: Option<String>,
            /// The USB port that the board, or its adapter, is plugged into. Which serial port that is is looked up whenever
            /// it is opened.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(
                regex(pattern = r"^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,5}$"),
                extend("examples" = ["1-2.3"])
            )]
            pub usb: Option<String>,
            /// The USB vendor and product of what is there, as `lsusb` shows them. Anything else is refused.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(regex(pattern = r"^[0-9a-f]{4}:[0-9a-f]{4}$"), extend("examples" = ["1a86:7523"]))]
            pub usb_id: Option<String>,
            /// The USB serial number of the board, or of its adapter. Without `usb` the board is found by it, on whatever port
            /// it is plugged in; two of that number are refused.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(length(min = 1), extend("examples" = ["A9079L5D"]))]
            pub serial: Option<String>,
            $($(#[$of_field])* pub $field: $kind,)*
        }

        impl $name {
            /// One on the port of that path, of which nothing else is said.
            pub fn at(path: &str) -> Self {
                let port = Some(path.to_owned());
                Self { port, usb: None, usb_id: None, serial: None, $($field: $usual,)* }
            }

            /// The port that it is on.
            pub fn port(&self) -> SerialPort {
                let Self { port, usb, usb_id, serial, .. } = self.clone();
                SerialPort { path: port, usb, usb_id, serial }
            }

            fn stated(&self) -> Stated {
                Stated { family: $family, place: Place::Serial(self.port()), sizes: $sizes }
            }
        }
    };
}

on_a_serial_port! {
    /// A serial board of the LCUS family (`A0 channel operation sum`, 9600 baud).
    Lcus is "lcus" with &[];
    /// How the board tells the positions of its channels when it is asked; it is never asked when left out. State what
    /// the board has: to another board the question may be an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reports: Option<LcusReports> = None,
}

/// How a board of the LCUS family tells positions. The name covers several firmwares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LcusReports {
    /// `A0 channel 05 sum` is answered by `A0 channel state sum`.
    Frames,
    /// `FF` is answered by one line of text for each channel, `CH1:OFF`.
    Text,
    /// `FF` is answered by one byte for each channel, 0 or 1.
    Bytes,
}

/// The address that boards have when nobody gave them another one.
const fn first() -> u8 {
    1
}

on_a_serial_port! {
    /// A relay board that speaks Modbus RTU on a line of its own, such as Waveshare's (8N1). Those that Waveshare sold with
    /// the firmware V1 speak something else.
    ModbusRtu is "modbus-rtu" with &[];
    /// Its address; default `1`.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 247))]
    address: u8 = first(),
    /// Bits a second; default `9600`.
    #[serde(default = "ModbusRtu::usual_baud")]
    #[schemars(extend("enum" = [4800, 9600, 19200, 38400, 57600, 115200]))]
    baud: u32 = Self::usual_baud(),
    /// `true`: it has the registers 0200 and up, which switch a relay on for a number of tenths of a second. To another board
    /// they may mean something else.
    #[serde(default)]
    pulses: bool = false,
}

impl ModbusRtu {
    const fn usual_baud() -> u32 {
        9_600
    }
}

on_a_serial_port! {
    /// A USB relay module of Numato Lab. How its relays are spelt depends on how many it has.
    Numato is "numato" with &[1, 2, 4, 8, 16, 32, 64];
}

on_a_serial_port! {
    /// A USB relay board of KMTronic (`FF channel operation`, 9600 baud), alone on its port. How it tells positions depends on
    /// how many channels it has.
    KmTronic is "kmtronic" with &[1, 2, 4, 8];
}

on_a_serial_port! {
    /// A USB relay module of Devantech: USB-RLY or USB-OPTO-RLY.
    Devantech is "devantech" with &[2, 8];
    /// The model. The id that the module tells is held against it, where it is known.
    model: DevantechModel = DevantechModel::Rly08,
    /// `true`: it takes the command 5E, which switches a relay on for a number of hundredths of a second. Most models do not,
    /// and would take what follows for other commands: see the manual of this one.
    #[serde(default)]
    pulses: bool = false,
    /// The serial number that it has to tell, of a module that takes the command 38: see its manual. Eight characters, or 16
    /// hexadecimal digits where it has others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([!-~]{8}|[0-9A-F]{16})$"), extend("examples" = ["00001234"]))]
    number: Option<String> = None,
}

/// A model of Devantech's USB relay modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DevantechModel {
    /// USB-RLY02.
    Rly02,
    /// USB-RLY08.
    Rly08,
    /// USB-RLY16, with or without a letter B.
    Rly16,
    /// USB-RLY16L, whose relays latch.
    Rly16l,
    /// USB-RLY82.
    Rly82,
    /// USB-OPTO-RLY88.
    OptoRly88,
    /// USB-OPTO-RLY816.
    OptoRly816,
}

on_a_serial_port! {
    /// Velleman's K8090 or VM8090 (19200 baud).
    K8090 is "k8090" with &[8];
}

on_a_serial_port! {
    /// A chain of the relay cards 197720 or 197730 of Conrad (19200 baud). The channels of the second card follow those of the
    /// first.
    Conrad is "conrad" with &[8, 16, 24, 32, 40, 48, 56, 64];
}

on_a_serial_port! {
    /// SainSmart's USB relay board with 16 channels, which speaks Modbus ASCII (9600 baud).
    SainSmart is "sainsmart" with &[16];
    /// Its address; default `254`.
    #[serde(default = "SainSmart::usual_address")]
    address: u8 = Self::usual_address(),
    /// `true`: it tells its positions when it is asked. Not every one does.
    #[serde(default)]
    reports: bool = false,
}

impl SainSmart {
    const fn usual_address() -> u8 {
        254
    }
}

on_a_serial_port! {
    /// DLP Design's DLP-IOR4 (9600 baud). Its relays latch, and it tells no position.
    DlpIor4 is "dlp-ior4" with &[4];
}

on_a_serial_port! {
    /// A USB relay board of ICStation: ICSE012A (4 channels), 013A (2) or 014A (8). It tells no position, and whether it takes
    /// orders at all cannot be found out without switching something. The first order also switches off what is on.
    IcStation is "icstation" with &[2, 4, 8];
    /// Has to be stated: the board has been sent 50 and 51 once since it has its supply, and all its relays are off when it is
    /// opened, or may go off.
    state_after_open: AssumedState = AssumedState::Assumed,
}

/// What is taken for the state of a board that cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AssumedState {
    /// That it takes orders, and that everything is off.
    Assumed,
}

/// A HID relay board that calls itself `USBRelay1` to `USBRelay8` (16c0:05df). With `usb`, `serial` or both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DctTech {
    /// The USB port that it is plugged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[1-9][0-9]{0,2}-[1-9][0-9]{0,2}(\.[1-9][0-9]{0,2}){0,5}$"),
        extend("examples" = ["1-2.3"])
    )]
    pub usb: Option<String>,
    /// The five characters that it tells when it is asked, which can be changed. Two boards of one number are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[!-~]{5}$"), extend("examples" = ["HURTM"]))]
    pub serial: Option<String>,
}

impl DctTech {
    fn stated(&self) -> Stated {
        let Self { usb, serial } = self.clone();
        Stated { family: "dcttech", place: Place::Hid { usb, serial }, sizes: &[1, 2, 3, 4, 5, 6, 7, 8] }
    }
}
