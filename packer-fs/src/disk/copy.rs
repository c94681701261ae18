//! Copying a range of an open file through a buffer: what every disk can do.

use std::io::{self, SeekFrom, Write};

use super::ReadFile;

/// The most bytes that pass through at a time.
pub(super) const COPY_BUFFER: usize = 128 * 1024;

/// Writes `len` bytes of `source` from `offset` to `target`. A source that ends before is `UnexpectedEof`, after what there
/// was has been written.
pub(super) fn copy_range(
    target: &mut dyn Write,
    source: &mut dyn ReadFile,
    offset: u64,
    len: u64,
) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    source.seek(SeekFrom::Start(offset))?;
    let at_most = |rest: u64| COPY_BUFFER.min(usize::try_from(rest).unwrap_or(usize::MAX));
    let mut buffer = vec![0; at_most(len)];
    let mut rest = len;
    while rest > 0 {
        let count = match source.read(&mut buffer[..at_most(rest)]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        target.write_all(&buffer[..count])?;
        rest -= count as u64;
    }
    Ok(())
}
