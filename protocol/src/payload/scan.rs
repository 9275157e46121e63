//! Checks JSON that is passed on unparsed: one pass over the text, no tree.

use super::PayloadError;

/// Checks well-formed JSON. The compact form, or `None` if `json` is compact already, which is the usual case.
pub(super) fn scan(json: &str, depth_max: usize) -> Result<Option<String>, PayloadError> {
    let bytes = json.as_bytes();
    let (mut depth, mut at, mut copied) = (0_usize, 0, 0);
    let mut compact: Option<String> = None;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return Err(PayloadError::TooDeep);
                }
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' => at = end_of_string(bytes, at)?,
            b'-' | b'0'..=b'9' => at = end_of_number(json, at)?,
            b' ' | b'\t' | b'\n' | b'\r' => {
                compact.get_or_insert_with(|| String::with_capacity(json.len())).push_str(&json[copied..at]);
                at += 1;
                copied = at;
            }
            _ => at += 1,
        }
    }
    if let Some(text) = &mut compact {
        text.push_str(&json[copied..]);
    }
    Ok(compact)
}

/// The index behind the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Result<usize, PayloadError> {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            None => return Ok(at),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = end_of_escape(bytes, at)?,
            Some(_) => at += 1,
        }
    }
}

/// The index behind the escape that begins at `start`; both halves of a surrogate pair are one escape.
fn end_of_escape(bytes: &[u8], start: usize) -> Result<usize, PayloadError> {
    match unicode_escape(bytes, start) {
        None => Ok(start + 2),
        Some(0xD800..=0xDBFF) => match unicode_escape(bytes, start + 6) {
            Some(0xDC00..=0xDFFF) => Ok(start + 12),
            _ => Err(PayloadError::LoneSurrogate),
        },
        Some(0xDC00..=0xDFFF) => Err(PayloadError::LoneSurrogate),
        Some(_) => Ok(start + 6),
    }
}

fn unicode_escape(bytes: &[u8], start: usize) -> Option<u32> {
    let digits = bytes.get(start..start + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn end_of_number(json: &str, start: usize) -> Result<usize, PayloadError> {
    let rest = &json[start..];
    let end =
        rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
    // Numbers this short without an exponent are always in range: the usual case costs no parse.
    let number = &rest[..end];
    let short = end <= 15 && !number.contains(['e', 'E']);
    if short || number.parse::<f64>().is_ok_and(f64::is_finite) {
        return Ok(start + end);
    }
    Err(PayloadError::NumberOutOfRange)
}
