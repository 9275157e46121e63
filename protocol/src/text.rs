//! What may stand in a name and in a chat line: any script, nothing that hides, breaks out or turns text around.
//!
//! General categories are those of [Unicode Standard §4.5](https://www.unicode.org/versions/latest/), grapheme clusters
//! those of [UAX #29](https://unicode.org/reports/tr29/), normalisation is NFC of [UAX #15](https://unicode.org/reports/tr15/).

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{CHAT_CHARS_MAX, GONE_DETAIL_CHARS_MAX, NAME_BYTES_MAX, NAME_GRAPHEMES_MAX};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// Nothing in it that can be seen.
    #[error("nothing in it can be seen")]
    Empty,
    /// Longer than its bound.
    #[error("too long")]
    TooLong,
    /// A character that may not stand there; the argument is its code point.
    #[error("the character U+{0:04X} may not stand there")]
    Forbidden(u32),
}

/// Brings a player's or a room's name into its one form: NFC, trimmed.
///
/// # Errors
/// [`TextError`] if the result is empty, longer than 24 grapheme clusters or 256 bytes, or has a forbidden character.
///
/// ```
/// assert_eq!(sward_protocol::text::name("  Zoë 🦊 ").as_deref(), Ok("Zoë 🦊"));
/// ```
pub fn name(raw: &str) -> Result<String, TextError> {
    // Bounded before the work: normalising shrinks or at most triples a text.
    if raw.len() > NAME_BYTES_MAX * 4 {
        return Err(TextError::TooLong);
    }
    let name: String = raw.trim().nfc().collect();
    if let Some(forbidden) = name.chars().find(|&c| !may_stand(c)) {
        return Err(TextError::Forbidden(forbidden.into()));
    }
    if !name.chars().any(can_be_seen) {
        return Err(TextError::Empty);
    }
    if name.len() > NAME_BYTES_MAX || name.graphemes(true).count() > NAME_GRAPHEMES_MAX {
        return Err(TextError::TooLong);
    }
    Ok(name)
}

/// Brings a chat line into its one form: trimmed, no line breaks or other controls, no bidirectional overrides.
///
/// # Errors
/// [`TextError`] if nothing can be seen, it has more than 500 characters, or a forbidden one.
pub fn chat(raw: &str) -> Result<String, TextError> {
    line(raw, CHAT_CHARS_MAX)
}

/// Brings what is said to somebody who is put out into its one form, as a chat line; none if nothing is said.
///
/// # Errors
/// [`TextError`] if it has more than 200 characters, or a forbidden one.
pub fn gone_detail(raw: &str) -> Result<Option<String>, TextError> {
    match line(raw, GONE_DETAIL_CHARS_MAX) {
        Err(TextError::Empty) => Ok(None),
        line => line.map(Some),
    }
}

fn line(raw: &str, chars_max: usize) -> Result<String, TextError> {
    let line = raw.trim();
    if line.chars().count() > chars_max {
        return Err(TextError::TooLong);
    }
    if let Some(forbidden) = line.chars().find(|&c| !may_stand(c)) {
        return Err(TextError::Forbidden(forbidden.into()));
    }
    if !line.chars().any(can_be_seen) {
        return Err(TextError::Empty);
    }
    Ok(line.to_owned())
}

fn may_stand(c: char) -> bool {
    match c.general_category() {
        // Joiners shape Persian and Indic words and glue emoji; tags spell the flags of regions. Every other format
        // character hides or turns the text around it.
        GeneralCategory::Format => matches!(c, '\u{200C}' | '\u{200D}' | '\u{E0020}'..='\u{E007F}'),
        GeneralCategory::Control
        | GeneralCategory::PrivateUse
        | GeneralCategory::Unassigned
        | GeneralCategory::Surrogate
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => false,
        _ => true,
    }
}

fn can_be_seen(c: char) -> bool {
    // Letters and symbols by category that every font draws as nothing.
    if matches!(c, '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{2800}') {
        return false;
    }
    matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Letter
            | GeneralCategoryGroup::Number
            | GeneralCategoryGroup::Punctuation
            | GeneralCategoryGroup::Symbol
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_pass() {
        for good in
            ["Zoë 🦊", "محمد", "สมชาย", "नमस्ते", "李小龍", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "می‌خواهم", "a", "O'Neil-Ødegård (2)"]
        {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        assert_eq!(name("Zoe\u{308}").as_deref(), Ok("Zoë"), "combining marks are composed");
    }

    #[test]
    fn names_that_hide_or_break_out_are_refused() {
        for bad in ["", "   ", "\u{200D}", "\u{3164}", "\u{301}"] {
            assert_eq!(name(bad), Err(TextError::Empty), "{bad:?}");
        }
        for bad in
            ["a\0b", "a\nb", "a\u{202E}b", "a\u{2066}b", "a\u{E000}b", "a\u{FEFF}b", "a\u{85}b", "a\u{2028}b"]
        {
            assert!(matches!(name(bad), Err(TextError::Forbidden(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_bounded_in_graphemes_and_in_bytes() {
        assert!(name(&"é".repeat(24)).is_ok());
        assert_eq!(name(&"é".repeat(25)), Err(TextError::TooLong));
        assert!(name(&"👩‍👩‍👧‍👦".repeat(10)).is_ok());
        assert_eq!(name(&format!("a{}", "\u{0316}".repeat(200))), Err(TextError::TooLong));
        assert_eq!(name(&"x".repeat(10_000)), Err(TextError::TooLong));
    }

    #[test]
    fn chat_lines_are_trimmed_and_bounded() {
        assert_eq!(chat(" hi ").as_deref(), Ok("hi"));
        assert_eq!(chat("\n"), Err(TextError::Empty));
        assert_eq!(chat("a\nb"), Err(TextError::Forbidden(10)));
        assert!(chat(&"ü".repeat(500)).is_ok());
        assert_eq!(chat(&"ü".repeat(501)), Err(TextError::TooLong));
        assert_eq!(gone_detail("  "), Ok(None));
        assert_eq!(gone_detail(" too loud ").unwrap().as_deref(), Some("too loud"));
        assert_eq!(gone_detail("a\nb"), Err(TextError::Forbidden(10)));
        assert_eq!(gone_detail(&"ü".repeat(201)), Err(TextError::TooLong));
    }
}
