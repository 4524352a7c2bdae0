//! Adding and removing one entry of the file's text, so that comments and order of the others stay.
//!
//! The edits understand only the common layout: `connections:` at the left margin, and below it one indented block an
//! entry. They return `None` for any other layout, and the caller checks the result by parsing it.

/// The lines of the `connections:` block, and the column of its entries.
struct Block {
    /// First line after `connections:`.
    start: usize,
    /// Line after the last entry; blank lines and comments that follow it are not part of it.
    end: usize,
    /// Indentation of the entries; `None` where there is no entry.
    indent: Option<usize>,
}

/// Puts `entry` (YAML of a mapping's values, one key a line, not indented) at the end of `connections:` as `name`.
pub(super) fn insert(text: &str, name: &str, entry: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let block = find_block(&lines)?;
    let indent = block.indent.unwrap_or(2);
    let mut edited: Vec<String> = lines[..block.end].iter().map(|line| (*line).to_owned()).collect();
    edited.push(format!("{:indent$}{name}:", ""));
    edited.extend(entry.lines().map(|line| format!("{:width$}{line}", "", width = indent + 2)));
    edited.extend(lines[block.end..].iter().map(|line| (*line).to_owned()));
    Some(joined(&edited))
}

/// Takes the entry `name` out.
pub(super) fn remove(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let block = find_block(&lines)?;
    let indent = block.indent?;
    let is_entry = |line: &str| {
        indentation(line) == indent
            && line
                .trim_start()
                .trim_end()
                .strip_suffix(':')
                .is_some_and(|key| key.trim_matches(['"', '\'']) == name)
    };
    let first = (block.start..block.end).find(|&index| is_entry(lines[index]))?;
    let after = (first + 1..block.end)
        .find(|&index| !is_blank(lines[index]) && indentation(lines[index]) <= indent)
        .unwrap_or(block.end);
    let kept: Vec<String> = lines[..first]
        .iter()
        .chain(&lines[after..])
        .map(|line| (*line).to_owned())
        .collect();
    Some(joined(&kept))
}

fn find_block(lines: &[&str]) -> Option<Block> {
    let header = lines.iter().position(|line| line.trim_end() == "connections:")?;
    let start = header + 1;
    let mut end = start;
    let mut indent = None;
    for (index, line) in lines.iter().enumerate().skip(start) {
        if is_blank(line) {
            continue;
        }
        if indentation(line) == 0 {
            break;
        }
        indent = indent.or(Some(indentation(line)));
        end = index + 1;
    }
    Some(Block { start, end, indent })
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}
