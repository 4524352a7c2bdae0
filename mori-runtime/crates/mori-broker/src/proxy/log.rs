//! The file of a proxy's log: whole lines, whatever the disk or a kill does.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How much is read at once, from the end, in search of the last whole line.
const CHUNK_BYTES: u64 = 64 << 10;

/// A file that lines are added to. One process writes it.
#[derive(Debug)]
pub struct LineFile {
    file: File,
    /// Where the last whole line ends.
    len_bytes: u64,
}

impl LineFile {
    /// Created where it does not exist. The part of a line that a killed process left is removed.
    pub fn open(path: &Path) -> io::Result<LineFile> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let len = file.metadata()?.len();
        let len_bytes = end_of_last_line(&file, len)?;
        if len_bytes < len {
            file.set_len(len_bytes)?;
        }
        Ok(LineFile { file, len_bytes })
    }

    /// Adds `lines` and the end of the last, or nothing.
    pub fn add(&mut self, lines: impl Into<Vec<u8>>) -> io::Result<()> {
        let mut text = lines.into();
        text.push(b'\n');
        if let Err(error) = self.file.write_all(&text) {
            // A full disk may have taken a part of it, to which the next line must not be added.
            self.file.set_len(self.len_bytes)?;
            return Err(error);
        }
        self.len_bytes += text.len() as u64;
        Ok(())
    }
}

fn end_of_last_line(file: &File, len: u64) -> io::Result<u64> {
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES);
        let mut chunk = vec![0; usize::try_from(end - start).unwrap_or_default()];
        file.read_exact_at(&mut chunk, start)?;
        if let Some(position) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + position as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_are_whole_after_a_kill_in_the_middle_of_one() {
        let path = std::env::temp_dir().join(format!("mori-log-test-{}.jsonl", std::process::id()));
        let long = "x".repeat(200_000);
        for (left, kept) in [
            ("", ""),
            ("par", ""),
            ("one\n", "one\n"),
            ("one\npar", "one\n"),
            (&*long, ""),
            (&*format!("one\n{long}"), "one\n"),
        ] {
            fs::write(&path, left).expect("a file");
            LineFile::open(&path).expect("opens").add("two").expect("writes");
            assert_eq!(fs::read_to_string(&path).expect("a file"), format!("{kept}two\n"));
        }
        fs::remove_file(path).expect("there");
    }
}
