//! How much a test tries: a number of its own in an ordinary run, and more where somebody asks for it.

/// The number in the environment variable `variable`, or else `ordinary`. `cargo xtask soak` sets these variables.
///
/// # Panics
/// If it is set to anything but a number over 0: a test that tries nothing shows nothing.
#[track_caller]
pub fn effort(variable: &str, ordinary: u64) -> u64 {
    let Some(asked) = std::env::var_os(variable) else { return ordinary };
    let asked = asked.to_str().and_then(|asked| asked.parse().ok()).filter(|asked| *asked > 0);
    asked.unwrap_or_else(|| panic!("{variable} is set to something else than a number over 0"))
}
