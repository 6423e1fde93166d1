//! The claims of the field that scenarios may cover.

/// A claim of the field: what a scenario confirms or refutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Its id, as `covers: [claim/<id>]` names it.
    pub id: &'static str,
    /// What is claimed, in a line.
    pub says: &'static str,
}

macro_rules! claims {
    ($($id:literal: $says:literal),+ $(,)?) => {
        /// Every claim, in the order of `docs/claims.md`.
        pub const CLAIMS: &[Claim] = &[$(Claim { id: concat!("claim/", $id), says: $says }),+];
        /// Their ids.
        pub(crate) const IDS: &[&str] = &[$(concat!("claim/", $id)),+];
    };
}

claims! {
    "role-source": "the source must be an A2DP source towards the speaker; many failures are mixed-up roles",
    "speaker-mode": "a source whose switch is not on source pairs and is listed, and never sounds",
    "no-source-role": "Echo Dots of the first three generations cannot be a source",
    "external-transmitter": "a wired transmitter adds latency: 80 ms to 92 ms",
    "stale-cache": "power-cycling both ends clears stale state, a main cause of paired-but-silent",
    "discoverable-gesture": "being discoverable is another mode than pairing, with a gesture of its own for each maker",
    "discovery-window": "a search that runs its whole 90 s finds what restarted ones miss",
    "play-at-once": "playing right after connecting forces the stream to be set up",
    "pairing-attempts": "73 % of the pairings that succeed need two or three attempts",
    "content-source": "where one source of content plays and another does not, the fault is not Bluetooth's",
    "cold-start-time": "from cold, inquiry to authenticated pairing takes about 3.2 s",
    "negotiation-time": "agreeing on a codec takes about 1.8 s after pairing",
    "sbc-default": "when nothing better is agreed on the codec is SBC, at 328 kbit/s at most",
    "aac-gate": "AAC needs source firmware 2024.02 and a speaker firmware such as 2.1.1 of the SRS-XB33",
    "aptx-ll-gate": "aptX Low Latency is agreed on by one source and one speaker only, at about 40 ms",
    "latency-sbc": "SBC is heard 180 ms to 220 ms late",
    "latency-aac": "AAC is heard 120 ms to 150 ms late",
    "latency-hfp": "the voice loop takes 450 ms to 600 ms",
    "bass-by-codec": "at 60 Hz SBC is 9 dB down and AAC 2.3 dB, on one speaker with one source",
    "one-speaker": "a second speaker disturbs the stream of the first one, or breaks it",
    "idle-disconnect": "the link goes after 5 minutes of silence; quiet noise keeps it",
    "route-split": "media goes to the speaker, answers of the voice assistant stay on the source",
    "hfp-feedback": "a speaker with a microphone may get the voice too, and feed back",
    "wake-accuracy": "the wake word is recognised in 94.2 % up to 75 dB SPL of playback",
    "false-wakes": "a loud speaker closer than 0.9 m wakes the source without a word",
    "no-intercom": "an intercom in both directions does not work over Bluetooth",
    "firmware-not-app": "only the firmware of the device counts, and it changes by itself",
    "matrix-32": "a matrix of one source and eight brands of speakers, 32 combinations",
}
