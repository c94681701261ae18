//! Facts about this process and the machine it runs on.
//!
//! Read from `/proc`, so only Linux has all of them; nothing fails where there is none.

use std::io::Read as _;

/// The most bytes of a fact.
const MAX_BYTES: u64 = 256;

/// What is new at each start of the machine, and the same until the next.
pub fn boot_id() -> Option<String> {
    fact("/proc/sys/kernel/random/boot_id")
}

/// The machine's name.
pub fn hostname() -> Option<String> {
    fact("/proc/sys/kernel/hostname")
}

/// This process.
pub fn pid() -> u32 {
    std::process::id()
}

fn fact(path: &str) -> Option<String> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let fact = text.trim();
    (!fact.is_empty()).then(|| fact.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_its_boot_and_its_name() {
        let boot = boot_id().unwrap();
        assert_eq!(boot.len(), 36, "{boot}");
        assert_eq!(boot_id(), Some(boot));
        assert!(hostname().is_some_and(|name| !name.contains('\n')));
    }

    #[test]
    fn a_missing_fact_is_none() {
        assert_eq!(fact("/nowhere/at/all"), None);
    }
}
