//! The kinds of finding.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Severity;

macro_rules! codes {
    ($($severity:ident { $($variant:ident = $name:literal: $explanation:literal,)+ })+) => {
        /// The kind of a finding. Its name is stable: scripts and searches may rest on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $explanation] $variant,)+)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$variant => $name,)+)+ }
            }

            /// What the code means, in a sentence.
            pub const fn explanation(self) -> &'static str {
                match self { $($(Self::$variant => $explanation,)+)+ }
            }

            /// How much such a finding weighs.
            pub const fn severity(self) -> Severity {
                match self { $($(Self::$variant => Severity::$severity,)+)+ }
            }
        }
    };
}

codes! {
    Error {
        // Files
        NotFound = "not-found": "There is no such file or folder.",
        Unreadable = "unreadable": "The file or folder cannot be read.",
        NotAFile = "not-a-file": "Something that is neither a file nor a folder stands where a document is due.",
        LinkLoop = "link-loop": "A folder contains itself through a link.",
        LeavesProject = "leaves-project": "A link leads out of the folders that were named.",
        TooLarge = "too-large": "The file is larger than any document, or there are too many files.",
        NoDocuments = "no-documents": "The folder has no YAML file.",
        // The tree
        NotUtf8 = "not-utf8": "The file is not UTF-8 text.",
        ControlCharacter = "control-character": "The file has a character that YAML does not allow.",
        EmptyFile = "empty-file": "The file has no document.",
        Syntax = "syntax": "The file is not YAML.",
        SeveralDocuments = "several-documents": "A file holds one document; this one has more.",
        Tag = "tag": "YAML tags have no meaning in documents.",
        Anchor = "anchor": "Anchors and aliases are not used: every value is written where it stands.",
        MergeKey = "merge-key": "Merge keys are not used: every key is written where it stands.",
        DuplicateKey = "duplicate-key": "A key stands twice in the same map.",
        NonTextKey = "non-text-key": "A key is not text, such as a version number without quotes.",
        NotFinite = "not-finite": "A number is infinite or not a number.",
        TooDeep = "too-deep": "The document is nested deeper than any document needs.",
        TooManyNodes = "too-many-nodes": "The document has more values than any document needs.",
        // The shape
        UnknownKind = "unknown-kind": "The first key does not name a kind of document.",
        UnknownKey = "unknown-key": "A key has no meaning where it stands.",
        MissingKey = "missing-key": "A required key is missing.",
        WrongType = "wrong-type": "A value is of the wrong type, such as text where a map is due.",
        UnknownWord = "unknown-word": "A value is none of the words that may stand there.",
        MissingUnit = "missing-unit": "A quantity has no unit.",
        WrongUnit = "wrong-unit": "A quantity has a unit that does not fit.",
        WrongFormat = "wrong-format": "A text does not have the form that is due.",
        OutOfRange = "out-of-range": "A number or quantity lies outside its range.",
        Empty = "empty": "A list, map or text is empty where something is due.",
        WrongLength = "wrong-length": "A list or text is too long or too short.",
        RepeatedValue = "repeated-value": "A list names the same value twice.",
        NotExactlyOne = "not-exactly-one": "A step needs exactly one action, an expectation exactly one kind, a capture device exactly one name.",
        TooManyFaults = "too-many-faults": "The file has more faults than are shown.",
        Internal = "internal": "Rigtone contradicts itself. Please report it.",
        // The meaning
        DuplicateId = "duplicate-id": "Two documents of a kind have the same id.",
        PathDiffers = "path-differs": "A document's path does not agree with its id.",
        DanglingReference = "dangling-reference": "A name refers to nothing.",
        WrongReference = "wrong-reference": "A name refers to something of the wrong kind.",
        UnfitValue = "unfit-value": "A value given through an axis or a condition does not fit where it is used.",
        UnknownStep = "unknown-step": "An expectation names a step that is not there.",
        AmbiguousStep = "ambiguous-step": "An expectation names a step of which there are several.",
        WrongStep = "wrong-step": "An expectation names a step that cannot answer it.",
        DuplicateLabel = "duplicate-label": "Two steps have the same label.",
        LimitsCrossed = "limits-crossed": "An upper limit lies below a lower one.",
        Untestable = "untestable": "A rate that no number of trials can show.",
        Incomplete = "incomplete": "Something is asked for without saying what.",
        UnknownClaim = "unknown-claim": "A claim is not in the list of claims.",
        UnknownStimulus = "unknown-stimulus": "A stimulus is not in the list of stimuli.",
        ForeignCodec = "foreign-codec": "A firmware offers a codec that its device does not have.",
        SharedChannel = "shared-channel": "Two things are wired to one relay channel.",
        SharedPort = "shared-port": "Two members of a rig claim one port, or one channel of a sound card.",
        UnwiredButton = "unwired-button": "A scenario needs a gesture for which a unit lacks a wired button.",
        HeldTooLong = "held-too-long": "A scenario needs a gesture that holds a button longer than its wiring allows.",
        Oversized = "oversized": "A scenario has more parts or combinations than any lab can try.",
        DuplicateAddress = "duplicate-address": "Two things have the same Bluetooth address.",
        MissingDongle = "missing-dongle": "A source that is Rigtone itself has no dongle.",
        Expired = "expired": "A quarantine has come to its end.",
        UnusableFile = "unusable-file": "A file that a document names cannot be used.",
        WrongWorld = "wrong-world": "Something simulated stands on a hardware rig, or the other way round.",
    }
    Warning {
        UnusedAxis = "unused-axis": "An axis multiplies the combinations without changing them.",
        UnusedCondition = "unused-condition": "A condition changes nothing.",
        UnknownTag = "unknown-tag": "No device and no unit carries the tag.",
        StaleDeclaration = "stale-declaration": "What a person said of a unit's firmware is older than it is worth.",
        ShortCut = "short-cut": "A supply is cut for a shorter time than a device needs to lose its power.",
        GoesOnFromBattery = "goes-on-from-battery": "A scenario cuts the supply of a unit that goes on from its battery.",
        UnmarkedFact = "unmarked-fact": "Nothing says how far a fact of a device is to be trusted.",
        StaleCalibration = "stale-calibration": "What was measured of a rig is older than it is worth, or soon will be.",
        NothingDecides = "nothing-decides": "No expectation of a scenario decides: whatever comes out, it passes.",
        Undecidable = "undecidable": "The planned number of trials may not decide the expectation.",
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_every_explanation_is_a_sentence() {
        let mut names: Vec<_> = Code::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.explanation().ends_with('.'), "{code}");
        }
    }
}
