//! The nearest known word for a mistyped one.

/// ` did you mean …?` for a word close to one of `known`, else the list of what is known.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    // The beginning of a known word counts as near: `on-fail`.
    if let Some(candidate) = known.iter().find(|candidate| word.len() > 2 && candidate.starts_with(word)) {
        return format!("did you mean `{candidate}`?");
    }
    let nearest = known.iter().map(|candidate| (distance(word, candidate), *candidate)).min();
    match nearest {
        // A third of the letters may differ: enough for a slip or a forgotten letter, too little for another word.
        Some((edits, candidate)) if edits <= word.chars().count().max(3) / 3 => format!("did you mean `{candidate}`?"),
        _ => format!("known are {}", list(known)),
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Edits between two words: letters inserted, deleted, replaced, or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, hint};

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["fixtures", "migrations", "timeout"];
        assert_eq!(hint("fixture", &known), "did you mean `fixtures`?");
        assert_eq!(hint("tiemout", &known), "did you mean `timeout`?");
        assert_eq!(hint("mig", &known), "did you mean `migrations`?");
        assert_eq!(hint("colour", &known), "known are `fixtures`, `migrations`, `timeout`");
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(distance("tiemout", "timeout"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
