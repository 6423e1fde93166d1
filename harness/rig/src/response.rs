//! The calibration files of microphones, from disk.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use rigtone_audio::response::{MicrophoneError, MicrophoneResponse};
use rigtone_model::{
    document::{CalibrationFile, Rig},
    event::Deviation,
    id::sha256_hex,
};
use thiserror::Error;

/// A maker's file has some kilobytes.
const LARGEST: u64 = 1 << 20;
/// How well the curve that goes into the record has to be that of the file: less than any maker states.
const WITHIN_DB: f64 = 0.05;

/// Why a calibration file cannot be used.
#[derive(Debug, Error)]
pub enum ResponseError {
    /// The operating system refused.
    #[error("reading the calibration file {file} failed: {error}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// It is too large to be one.
    #[error("{file} has more than {} kB, which no calibration file has", LARGEST / 1024)]
    TooLarge {
        /// The file.
        file: String,
    },
    /// It holds no response.
    #[error("{file}: {error}")]
    NoResponse {
        /// The file.
        file: String,
        /// Why not.
        error: MicrophoneError,
    },
    /// It was made for another microphone.
    #[error("{file} is of the microphone {found}, and this is {wanted}")]
    OfAnother {
        /// The file.
        file: String,
        /// The serial number that it names.
        found: String,
        /// That of the rig's document.
        wanted: String,
    },
}

/// Reads the calibration file of a microphone.
///
/// # Errors
/// When it is no response, or that of another microphone.
pub fn read(named: &CalibrationFile) -> Result<Deviation, ResponseError> {
    let file = || named.file.clone();
    let mut bytes = Vec::new();
    File::open(Path::new(&named.file))
        .and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| ResponseError::Io { file: file(), error })?;
    if bytes.len() as u64 > LARGEST {
        return Err(ResponseError::TooLarge { file: file() });
    }
    let text = String::from_utf8_lossy(&bytes);
    let response =
        MicrophoneResponse::parse(&text).map_err(|error| ResponseError::NoResponse { file: file(), error })?;
    let serial = response.serial().map(str::to_owned);
    if let (Some(wanted), Some(found)) = (&named.serial, &serial)
        && !wanted.eq_ignore_ascii_case(found)
    {
        return Err(ResponseError::OfAnother { file: file(), found: found.clone(), wanted: wanted.clone() });
    }
    let serial = serial.or_else(|| named.serial.clone());
    Ok(Deviation { file_sha256: sha256_hex(&bytes), serial, points: response.thinned(WITHIN_DB) })
}

/// The responses of the microphones of a rig that have a calibration file.
///
/// # Errors
/// The microphone whose file cannot be used, and why.
pub fn of_rig(rig: &Rig) -> Result<BTreeMap<String, Arc<Deviation>>, (String, ResponseError)> {
    let named = rig.microphones.iter().filter_map(|(name, m)| Some((name, m.calibration_file.as_ref()?)));
    let read = named.map(|(name, file)| match read(file) {
        Ok(deviation) => Ok((name.clone(), Arc::new(deviation))),
        Err(error) => Err((name.clone(), error)),
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const UMIK: &str = "\"Sens Factor =-0.545dB, SERNO: 7175488\"\r\n20.0\t-1.0\r\n1000\t0\r\n20000\t2.5\r\n";

    fn named(text: &[u8], serial: Option<&str>) -> (tempfile::TempDir, CalibrationFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("7175488.txt");
        std::fs::write(&file, text).expect("written");
        let file = file.into_os_string().into_string().expect("a path");
        (folder, CalibrationFile { file, serial: serial.map(str::to_owned) })
    }

    #[rstest]
    #[case(None, Some("7175488"))]
    #[case(Some("7175488"), Some("7175488"))]
    fn a_file_of_the_maker_is_read(#[case] serial: Option<&str>, #[case] said: Option<&str>) {
        let (_folder, named) = named(UMIK.as_bytes(), serial);
        let found = read(&named).expect("a response");
        assert_eq!(found.points, [(20.0, -1.0), (1000.0, 0.0), (20_000.0, 2.5)]);
        assert_eq!((found.serial.as_deref(), found.file_sha256), (said, sha256_hex(UMIK.as_bytes())));
    }

    #[rstest]
    #[case(UMIK.as_bytes(), Some("7000000"), "is of the microphone 7175488, and this is 7000000")]
    #[case(b"nothing", None, "has no values")]
    #[case(b"20 0\n10 0\n", None, "line 2 of the microphone's calibration file breaks the rising order")]
    #[case(&[0xFF; 2 << 20], None, "has more than 1024 kB")]
    fn any_other_is_refused_with_its_name(#[case] text: &[u8], #[case] serial: Option<&str>, #[case] said: &str) {
        let (_folder, named) = named(text, serial);
        let error = read(&named).expect_err("no response of this microphone").to_string();
        assert!(error.contains(said) && error.contains("7175488.txt"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let named = CalibrationFile { file: "/nowhere/umik.txt".into(), serial: None };
        let error = read(&named).expect_err("not there").to_string();
        assert!(error.contains("reading the calibration file /nowhere/umik.txt failed: No such file"), "{error}");
    }
}
