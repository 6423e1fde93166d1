//! The digest login of HTTP, with SHA-256. Pure.
//!
//! Source: RFC 7616, sections 3.3, 3.4 and 3.9.1.

use rigtone_model::id::sha256_hex;

/// Who asks for what.
pub(super) struct Asking<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// What no other answer has.
    pub(super) once: &'a str,
}

/// The value of `authorization` that answers a challenge.
///
/// # Errors
/// Why it cannot be answered.
pub(super) fn answer(challenge: &str, asking: &Asking<'_>) -> Result<String, String> {
    let fields = challenge.strip_prefix("Digest ").ok_or_else(|| "it asks for no digest".to_owned())?;
    let fields = fields_of(fields);
    let field = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    match field("algorithm") {
        Some(algorithm) if algorithm.eq_ignore_ascii_case("SHA-256") => {}
        other => return Err(format!("it asks for the algorithm {}", other.unwrap_or("MD5"))),
    }
    if !field("qop").is_some_and(|qop| qop.split(',').any(|word| word.trim() == "auth")) {
        return Err("it does not offer the quality `auth`".to_owned());
    }
    let (Some(realm), Some(nonce)) = (field("realm"), field("nonce")) else {
        return Err("its challenge has no realm or no nonce".to_owned());
    };
    let Asking { user, password, method, target, once } = asking;
    let secret = sha256_hex(format!("{user}:{realm}:{password}").as_bytes());
    let asked = sha256_hex(format!("{method}:{target}").as_bytes());
    let response = sha256_hex(format!("{secret}:{nonce}:00000001:{once}:auth:{asked}").as_bytes());
    let opaque = field("opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    Ok(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{target}\", algorithm=SHA-256, \
         qop=auth, nc=00000001, cnonce=\"{once}\", response=\"{response}\"{opaque}"
    ))
}

/// `name=value` and `name="value"`, between commas.
fn fields_of(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => behind.split_once(',').map_or((behind, ""), |(value, _)| (value, &behind[value.len()..])),
        };
        fields.push((name.trim_matches([' ', ',', '\t']).to_owned(), value.trim().to_owned()));
        rest = after;
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const ASKING: Asking<'_> = Asking {
        user: "Mufasa",
        password: "Circle of Life",
        method: "GET",
        target: "/dir/index.html",
        once: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    };
    const CHALLENGE: &str = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let said = answer(CHALLENGE, &ASKING).expect("an answer");
        let due = "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"";
        assert!(said.contains(due) && said.contains("opaque=\"FQhe/"), "{said}");
        assert!(said.starts_with("Digest username=\"Mufasa\"") && !said.contains("Circle"), "{said}");
    }

    #[rstest]
    #[case("Basic realm=\"x\"", "no digest")]
    #[case("Digest realm=\"x\", nonce=\"y\", qop=\"auth\"", "the algorithm MD5")]
    #[case("Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\", algorithm=SHA-256", "the quality")]
    #[case("Digest realm=\"x\", qop=auth, algorithm=SHA-256", "no nonce")]
    fn what_cannot_be_answered_is_said(#[case] challenge: &str, #[case] why: &str) {
        assert!(answer(challenge, &ASKING).expect_err("no answer").contains(why));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_read(challenge in ".{0,200}") {
            let _ = answer(&format!("Digest {challenge}"), &ASKING);
        }
    }
}
