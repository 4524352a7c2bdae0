//! A bound on the depth of the syntax tree, before there is one.
//!
//! The parser reads `a + b + c + …` in a loop and bounds only its own recursion, so that a long chain becomes a deep tree, and
//! a deep tree overflows the stack when it is walked or dropped. SQLite refuses expressions deeper than 1000 and compounds of more than
//! 500 SELECTs by default; what is refused there need not be parsed here.

/// SQLite's `SQLITE_MAX_EXPR_DEPTH`.
const DEPTH_MAX: usize = 1000;

/// Counts operators. The estimate is never below the depth of the tree.
pub(super) struct Weight {
    open: Vec<Level>,
}

/// A parenthesis, or `CASE … END`.
#[derive(Default)]
struct Level {
    /// Set operators.
    compounds: usize,
    /// AND and OR since the last comma.
    logicals: usize,
    /// The longest run of other operators, and the present one.
    operators_max: usize,
    operators: usize,
    /// The deepest level inside, since the last comma.
    inside: usize,
    /// The deepest stretch between commas.
    stretch_max: usize,
}

impl Default for Weight {
    fn default() -> Weight {
        Weight {
            open: vec![Level::default()],
        }
    }
}

impl Weight {
    pub(super) fn open(&mut self) {
        self.open.push(Level::default());
    }

    pub(super) fn close(&mut self) {
        if self.open.len() > 1
            && let Some(depth) = self.open.pop().map(Level::depth)
            && let Some(level) = self.open.last_mut()
        {
            level.inside = level.inside.max(depth + 1);
        }
    }

    /// A comma, or another word that no chain of operators crosses.
    pub(super) fn separate(&mut self) {
        if let Some(level) = self.open.last_mut() {
            level.stretch_max = level.stretch_max.max(level.stretch());
            (level.logicals, level.operators_max, level.operators, level.inside) = (0, 0, 0, 0);
        }
    }

    pub(super) fn compound(&mut self) {
        self.separate();
        if let Some(level) = self.open.last_mut() {
            level.compounds += 1;
        }
    }

    pub(super) fn logical(&mut self) {
        if let Some(level) = self.open.last_mut() {
            level.logicals += 1;
            level.operators_max = level.operators_max.max(level.operators);
            level.operators = 0;
        }
    }

    pub(super) fn operator(&mut self) {
        if let Some(level) = self.open.last_mut() {
            level.operators += 1;
        }
    }

    /// Closes what is still open and compares the whole with the limit.
    pub(super) fn into_bearable(mut self) -> bool {
        while self.open.len() > 1 {
            self.close();
        }
        self.open.pop().map_or(0, Level::depth) <= DEPTH_MAX
    }
}

impl Level {
    fn stretch(&self) -> usize {
        self.logicals + self.operators_max.max(self.operators) + self.inside
    }

    fn depth(self) -> usize {
        self.compounds + self.stretch_max.max(self.stretch())
    }
}
