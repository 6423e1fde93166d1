//! Keys: Ed25519 (RFC 8032), each with a name, in a file of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rigtone_record::open_file;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::{Date, OffsetDateTime};

use crate::{
    error::{CertificateError, Half, at},
    hex,
};

/// A file of a key is not larger.
const LARGEST: u64 = 16 << 10;

/// What signs. Whoever has it can sign in the name of the lab.
pub struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

/// What signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The name that people know it by.
    pub name: String,
    /// The day on which it was made, in UTC.
    pub made: String,
    /// It signs trials only.
    pub test: bool,
    /// The key, in hexadecimal.
    pub public: String,
    /// The last day, in UTC, on which what it signs counts; whoever trusts it writes that. A key that was lost or stolen ends on the last day
    /// on which it was safe.
    pub until: Option<Date>,
}

/// The form of a public key's file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PublicFile {
    name: String,
    made: String,
    test: bool,
    public: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// The form of a secret key's file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SecretFile {
    name: String,
    made: String,
    test: bool,
    secret: String,
}

impl SecretKey {
    /// A new key from the randomness of the operating system.
    ///
    /// # Errors
    /// When there is none.
    pub fn generate(name: &str, today: &str, test: bool) -> Result<Self, CertificateError> {
        let mut bytes = [0; 32];
        let source = Path::new("/dev/urandom");
        File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(at("read", source))?;
        Ok(Self::of(SigningKey::from_bytes(&bytes), name, today, test))
    }

    fn of(key: SigningKey, name: &str, made: &str, test: bool) -> Self {
        let public = hex::encode(key.verifying_key().as_bytes());
        let (name, made) = (name.to_owned(), made.to_owned());
        Self { public: PublicKey { name, made, test, public, until: None }, key }
    }

    /// Reads the file of a key.
    ///
    /// # Errors
    /// When it cannot be read or holds none.
    pub fn read(path: &Path) -> Result<Self, CertificateError> {
        let file: SecretFile = read::<_, PublicFile>(path, Half::Public)?;
        day(path, "made", &file.made)?;
        let bytes = hex::decode(&file.secret)
            .ok_or_else(|| no_key(path, "its secret is not 64 digits in hexadecimal".to_owned()))?;
        Ok(Self::of(SigningKey::from_bytes(&bytes), &file.name, &file.made, file.test))
    }

    /// Writes the secret key, which only its owner may read, and the public one beside it (`.pub`); gives that path.
    ///
    /// # Errors
    /// When one of them is there already, or cannot be written; then neither is left behind.
    pub fn write(&self, path: &Path) -> Result<PathBuf, CertificateError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".pub");
        let beside = path.with_file_name(name);
        for path in [path, &beside] {
            // A link that leads nowhere is in the way too.
            if path.symlink_metadata().is_ok() {
                return Err(CertificateError::There { path: path.to_owned() });
            }
        }
        let PublicKey { name, made, test, public, .. } = self.public.clone();
        let secret =
            SecretFile { name: name.clone(), made: made.clone(), test, secret: hex::encode(&self.key.to_bytes()) };
        let public = PublicFile { name, made, test, public, until: None };
        new_file(path, 0o600, |file| file.write_all(text(&secret).as_bytes()))?;
        if let Err(error) = new_file(&beside, 0o644, |file| file.write_all(text(&public).as_bytes())) {
            // Half a pair would keep the next attempt from its place.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(beside)
    }

    /// The key that its signatures are checked with.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> String {
        hex::encode(&self.key.sign(bytes).to_bytes())
    }
}

impl PublicKey {
    /// Whether it signed these bytes. A signature that is not the one form of it does not count (`verify_strict`).
    pub(crate) fn signed(public: &str, bytes: &[u8], signature: &str) -> bool {
        let (Some(key), Some(signature)) = (hex::decode::<32>(public), hex::decode::<64>(signature)) else {
            return false;
        };
        VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(&signature)).is_ok())
    }

    /// Whether it had ended by a time in seconds since 1970. What no calendar holds comes after every end.
    pub(crate) fn had_ended(&self, unix_s: i64) -> bool {
        let day = || OffsetDateTime::from_unix_timestamp(unix_s).ok().map(OffsetDateTime::date);
        self.until.is_some_and(|until| day().is_none_or(|day| day > until))
    }
}

/// The keys that somebody trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust(Vec<PublicKey>);

impl Trust {
    /// The public keys in files; of a folder all that end in `.pub`.
    ///
    /// # Errors
    /// When one cannot be read or is no key.
    pub fn read(paths: &[PathBuf]) -> Result<Self, CertificateError> {
        let mut keys = Vec::new();
        for path in paths {
            if path.is_dir() {
                let mut files = Vec::new();
                for entry in fs::read_dir(path).map_err(at("read", path))? {
                    files.push(entry.map_err(at("read", path))?.path());
                }
                files.retain(|file| file.extension().is_some_and(|extension| extension == "pub"));
                files.sort();
                for file in files {
                    keys.push(public(&file)?);
                }
            } else {
                keys.push(public(path)?);
            }
        }
        Ok(Self(keys))
    }

    /// The key of that number, if it is trusted. Of several files with it the one that ends first holds: an old copy revokes nothing.
    pub fn find(&self, public: &str) -> Option<&PublicKey> {
        let copies = self.0.iter().filter(|key| key.public == public);
        copies.min_by_key(|key| (key.until.is_none(), key.until))
    }
}

fn public(path: &Path) -> Result<PublicKey, CertificateError> {
    let PublicFile { name, made, test, public, until } = read::<_, SecretFile>(path, Half::Secret)?;
    let known = hex::decode::<32>(&public).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    if known.is_none() {
        return Err(no_key(path, "what it calls public is no Ed25519 key".to_owned()));
    }
    day(path, "made", &made)?;
    let until = until.map(|until| day(path, "until", &until)).transpose()?;
    Ok(PublicKey { name, made, test, public, until })
}

/// A day that stands in the file of a key.
fn day(path: &Path, field: &'static str, text: &str) -> Result<Date, CertificateError> {
    date(text).ok_or_else(|| CertificateError::NoDay { path: path.to_owned(), field })
}

/// A day of the calendar that is written YYYY-MM-DD.
fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = month.parse::<u8>().ok()?.try_into().ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    // Numbers may have signs and lack zeros: only one way to write a day counts.
    (date.to_string() == text).then_some(date)
}

fn no_key(path: &Path, what: String) -> CertificateError {
    CertificateError::NoKey { path: path.to_owned(), what }
}

/// Reads one half of a pair. A file in the form of the `other` half is told as what it is.
fn read<Wanted: DeserializeOwned, Other: DeserializeOwned>(
    path: &Path,
    other: Half,
) -> Result<Wanted, CertificateError> {
    let mut bytes = Vec::new();
    let file = open_file(path).map_err(at("open", path))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(at("read", path))?;
    serde_json::from_slice(&bytes).map_err(|e| match serde_json::from_slice::<Other>(&bytes) {
        Ok(_) => CertificateError::OtherHalf { path: path.to_owned(), half: other },
        // What serde says would show a part of a secret.
        Err(_) => no_key(path, format!("it has another form (line {})", e.line())),
    })
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("text has a form in JSON") + "\n"
}

/// Makes a file that was not there; when it cannot be filled it is gone again.
fn new_file(path: &Path, mode: u32, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), CertificateError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|os| match os.kind() {
        io::ErrorKind::AlreadyExists => CertificateError::There { path: path.to_owned() },
        _ => at("create", path)(os),
    })?;
    fill(&mut file).and_then(|()| file.sync_all()).map_err(|os| {
        let _ = fs::remove_file(path);
        at("write", path)(os)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, symlink};

    use rstest::rstest;
    use serde_json::{Value, json};
    use time::macros::datetime;

    fn new(secret: &Path) -> Result<PathBuf, CertificateError> {
        SecretKey::generate("lab", "2026-11-01", false).unwrap().write(secret)
    }

    /// A pair of keys in a folder of its own.
    fn pair() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let secret = home.path().join("lab.key");
        let public = new(&secret).unwrap();
        (home, secret, public)
    }

    fn change(file: &Path, field: &str, to: &Value) {
        let mut value: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        value[field] = to.clone();
        fs::write(file, value.to_string()).unwrap();
    }

    fn trust(file: &Path) -> Result<Trust, CertificateError> {
        Trust::read(&[file.to_owned()])
    }

    #[rstest]
    #[case("2027-01-31", datetime!(2027-01-30 12:00 UTC).unix_timestamp(), false)]
    #[case("2027-01-31", datetime!(2027-01-31 23:59:59 UTC).unix_timestamp(), false)]
    #[case("2027-01-31", datetime!(2027-02-01 00:00 UTC).unix_timestamp(), true)]
    #[case("2028-02-29", datetime!(2028-03-01 00:00 UTC).unix_timestamp(), true)]
    #[case("2027-01-31", datetime!(1969-12-31 23:59 UTC).unix_timestamp(), false)]
    #[case("9999-12-31", i64::MAX, true)]
    #[case("9999-12-31", i64::MIN, true)]
    fn a_key_counts_until_its_last_day(#[case] until: &str, #[case] unix_s: i64, #[case] ended: bool) {
        let (_home, _, public) = pair();
        change(&public, "until", &json!(until));
        assert_eq!(trust(&public).unwrap().0[0].had_ended(unix_s), ended);
    }

    #[test]
    fn a_key_without_a_last_day_does_not_end() {
        let (_home, secret, public) = pair();
        assert!(!trust(&public).unwrap().0[0].had_ended(i64::MAX));
        assert_eq!(trust(&public).unwrap().0[0], *SecretKey::read(&secret).unwrap().public());
    }

    /// Whoever ends a key must not have to look for its copies.
    #[test]
    fn of_two_files_with_a_key_the_one_that_ends_first_holds() {
        let (home, _, public) = pair();
        let number = trust(&public).unwrap().0[0].public.clone();
        for (name, until) in [("a.key.pub", None), ("b.key.pub", Some("2027-01-31")), ("c.key.pub", Some("2028-01-31"))]
        {
            let copy = home.path().join(name);
            fs::copy(&public, &copy).unwrap();
            if let Some(until) = until {
                change(&copy, "until", &json!(until));
            }
        }
        let files = ["a.key.pub", "c.key.pub", "b.key.pub"].map(|name| home.path().join(name));
        let trust = Trust::read(&files).unwrap();
        assert!(trust.find(&number).unwrap().had_ended(datetime!(2027-02-01 00:00 UTC).unix_timestamp()));
        assert!(!trust.find(&number).unwrap().had_ended(datetime!(2027-01-31 23:59 UTC).unix_timestamp()));
    }

    #[rstest]
    fn what_is_no_day_is_refused(
        #[values(
            "31.01.2025",
            "Jan 31, 2025",
            "2026-9-30",
            "2026-09-30 ",
            "+2026-09-30",
            "+026-09-30",
            "2026-+9-30",
            "2026-09-30-01",
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "soon",
            ""
        )]
        text: &str,
    ) {
        let (_home, secret, public) = pair();
        let refused = |said: CertificateError, file: &Path, field: &str| {
            let expected = format!("`{}`: its `{field}` is no day, such as 2027-01-31", file.display());
            assert_eq!(said.to_string(), expected);
        };
        change(&public, "until", &json!(text));
        refused(trust(&public).unwrap_err(), &public, "until");
        change(&public, "made", &json!(text));
        refused(trust(&public).unwrap_err(), &public, "made");
        change(&secret, "made", &json!(text));
        refused(SecretKey::read(&secret).err().unwrap(), &secret, "made");
    }

    #[rstest]
    #[case::secret("lab.key")]
    #[case::public("lab.key.pub")]
    fn a_pair_is_written_where_both_places_are_free(
        #[case] taken: &str,
        #[values(|path: &Path| fs::write(path, "mine").unwrap(), |path: &Path| symlink("nowhere", path).unwrap())]
        take: fn(&Path),
    ) {
        let home = tempfile::tempdir().unwrap();
        let (secret, taken) = (home.path().join("lab.key"), home.path().join(taken));
        take(&taken);
        let before = taken.symlink_metadata().unwrap();
        let said = new(&secret).unwrap_err().to_string();
        assert_eq!(said, format!("`{}` is there already", taken.display()));
        let after = taken.symlink_metadata().unwrap();
        assert_eq!((before.ino(), before.len()), (after.ino(), after.len()));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "only what was there");
        fs::remove_file(taken).unwrap();
        new(&secret).unwrap();
    }

    #[test]
    fn half_a_pair_is_not_left() {
        let home = tempfile::tempdir().unwrap();
        // With `.pub` it is longer than any name may be.
        let error = new(&home.path().join("k".repeat(253))).unwrap_err();
        assert!(matches!(&error, CertificateError::Io { attempted: "create", path, .. } if path.extension().is_some()));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_finds_no_space_is_not_left() {
        let home = tempfile::tempdir().unwrap();
        let full = |file: &mut File| {
            file.write_all(b"half of a ke")?;
            Err(io::ErrorKind::StorageFull.into())
        };
        let error = new_file(&home.path().join("lab.key"), 0o600, full).unwrap_err();
        assert!(error.hint().contains("free some space"), "{}", error.hint());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_wrong_half_of_a_pair_is_told_as_what_it_is() {
        let (_home, secret, public) = pair();
        let error = SecretKey::read(&public).err().unwrap();
        assert_eq!(error.to_string(), format!("`{}` is no secret key: this is the public half", public.display()));
        assert_eq!(error.hint(), "name the file without `.pub`");
        let error = trust(&secret).unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` is no public key: this is the secret key", secret.display()));
        assert_eq!(error.hint(), "trust its `.pub` file, and keep this one to yourself");
    }

    #[test]
    fn what_is_neither_half_is_no_key() {
        let (_home, secret, public) = pair();
        for file in [&secret, &public] {
            change(file, "more", &json!(1));
        }
        for error in [SecretKey::read(&secret).err().unwrap(), trust(&public).unwrap_err()] {
            assert!(error.to_string().contains("is no key: it has another form (line 1)"), "{error}");
        }
    }
}
