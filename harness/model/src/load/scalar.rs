//! What an unquoted word of YAML 1.2 means (core schema, YAML 1.2.2 section 10.3.2).

use serde_json::Number;

use super::tree::Value;

/// Reads an unquoted word; `None` for numbers that are infinite or no number at all.
pub(crate) fn plain(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return None,
        _ if matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF") && text.len() <= 5 => return None,
        _ if is_number(text) => Value::Number(number(text)?, text.to_owned()),
        _ => Value::Text(text.to_owned()),
    })
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    mantissa && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// The number of a text that [`is_number`]. Whole floats become integers, as JSON Schema takes them.
fn number(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Number::from);
    if let Some(octal) = text.strip_prefix("0o") {
        return radix(octal, 8);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return radix(hex, 16);
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = unsigned.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = unsigned.parse::<u64>() {
        return Some(whole.into());
    }
    let float: f64 = unsigned.parse().ok()?;
    // Up to 2^53 every whole float is an integer without loss.
    if float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 {
        return Some((float as i64).into());
    }
    Number::from_f64(float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("12", json!(12))]
    #[case("-12", json!(-12))]
    #[case("+12", json!(12))]
    #[case("007", json!(7))]
    #[case("0o14", json!(12))]
    #[case("0xC", json!(12))]
    #[case("2023.12", json!(2023.12))]
    #[case("1e3", json!(1000))]
    #[case("3.0", json!(3))]
    #[case(".5", json!(0.5))]
    #[case("18446744073709551615", json!(18_446_744_073_709_551_615_u64))]
    #[case("true", json!(true))]
    #[case("~", json!(null))]
    #[case("no", json!("no"))]
    #[case("on", json!("on"))]
    #[case("1_000", json!("1_000"))]
    #[case("12:30", json!("12:30"))]
    #[case("0b1", json!("0b1"))]
    #[case("1.0.6", json!("1.0.6"))]
    #[case("90 s", json!("90 s"))]
    #[case("-", json!("-"))]
    #[case(".", json!("."))]
    #[case("e3", json!("e3"))]
    #[case("+-1", json!("+-1"))]
    fn an_unquoted_word_means_what_yaml_1_2_says(#[case] text: &str, #[case] expected: serde_json::Value) {
        let value = match plain(text) {
            Some(Value::Null) => json!(null),
            Some(Value::Bool(truth)) => json!(truth),
            Some(Value::Number(number, raw)) => {
                assert_eq!(raw, text);
                json!(number)
            }
            Some(Value::Text(text)) => json!(text),
            other => panic!("{other:?}"),
        };
        assert_eq!(value, expected);
    }

    #[rstest]
    #[case(".inf")]
    #[case("-.INF")]
    #[case(".nan")]
    #[case("1e999")]
    #[case("0xFFFFFFFFFFFFFFFFF")]
    fn a_number_that_no_value_can_hold_is_refused(#[case] text: &str) {
        assert_eq!(plain(text), None);
    }
}
