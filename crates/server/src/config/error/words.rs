//! What the parser of TOML says, in words that fit a file.

/// The parser speaks of what the program is made of; the operator has a file.
pub(super) fn in_the_words_of_files(message: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("\n", ", "),
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown word"),
        ("there are no fields", "this table has no others"),
        ("invalid type: ", "wrong type: "),
        ("internally tagged enum Access", "a table with `kind`, such as { kind = \"none\" }"),
        ("internally tagged enum Service", "a table with `kind`, such as { kind = \"echo\" }"),
        ("internally tagged enum Page", "a table with `kind`, such as { kind = \"console\" }"),
        ("expected usize", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected u8", "expected a whole number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list in [ ]"),
        ("expected struct ", "expected the table "),
    ];
    let message = message.trim_end().to_owned();
    WORDS.iter().fold(message, |message, (theirs, ours)| message.replace(theirs, ours))
}

/// The name in the parser's "unknown field `name`, …".
pub(super) fn unknown_name(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.split('`').next()
}
