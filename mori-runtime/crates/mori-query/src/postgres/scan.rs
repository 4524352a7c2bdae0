//! One pass over a query's tokens: the relations and functions it names.
//!
//! PostgreSQL's FROM clauses can be told by reserved words and parentheses alone, so there is no tree: a stack with one frame for each
//! open parenthesis says which clause a token is in. Where a text is malformed too many names are found rather than too few.

use super::function;
use super::keyword::{self, Class};
use super::literal;
use super::name::{Access, QualifiedName, RelationUse};
use super::token::{Token, TokenKind};
use super::with::{self, Pairs};
use std::collections::{HashMap, HashSet};

/// What a pass has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of the text.
    pub(super) relations: Vec<RelationUse>,
    pub(super) functions: Vec<QualifiedName>,
    /// The word that says what the statement is, behind a WITH the one of the main statement: SELECT, INSERT, …; also for VALUES and
    /// TABLE it is SELECT.
    pub(super) main: Option<Main>,
    /// A JOIN, or a comma in a FROM clause.
    pub(super) is_join: bool,
    /// ON CONFLICT DO UPDATE.
    pub(super) is_upsert: bool,
    /// An INSERT, UPDATE, DELETE or MERGE, at the top or in a WITH.
    pub(super) is_write: bool,
    /// SELECT INTO.
    pub(super) has_into: bool,
    /// Something else that a pure read does not have: FOR UPDATE, a malformed text, what looks like a hidden write.
    pub(super) is_doubtful: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Main {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
}

/// What the tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// A query or a statement that changes rows.
    Query,
    /// A definition in which such statements may be.
    Definition,
}

/// Scans `tokens` from the index `start` on.
pub(super) fn scan(tokens: &[Token<'_>], start: usize, text: Text) -> Found {
    let mut scan = Scan {
        tokens,
        start,
        text,
        pairs: Pairs::of(tokens),
        frames: vec![Frame::new(Clause::Plain, true)],
        visible: HashMap::new(),
        names_of_withs: HashSet::new(),
        bodies: HashMap::new(),
        mains: HashSet::new(),
        found: Found::default(),
    };
    for index in start..tokens.len() {
        scan.token(index);
    }
    let mut seen = HashSet::new();
    scan.found.relations.retain(|relation| seen.insert(relation.clone()));
    let mut seen = HashSet::new();
    scan.found.functions.retain(|function| seen.insert(function.clone()));
    scan.found
}

/// Where in a statement a token stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clause {
    /// Where names are columns and functions.
    Plain,
    /// In a FROM clause, behind an item.
    From,
    /// In GROUP BY, where ROLLUP and CUBE are grammar.
    GroupBy,
    /// Where the next name is a relation; `in_from`: of a FROM clause, which goes on behind it.
    Relation { access: Access, in_from: bool },
}

/// An open parenthesis, or the whole text.
struct Frame {
    clause: Clause,
    /// The next token may begin a statement.
    at_head: bool,
    /// That statement may be one that changes rows.
    may_write: bool,
    /// A bracket, in which commas separate no relations.
    is_bracket: bool,
    /// FROM opens a clause here.
    is_query: bool,
    /// The statement here changes rows.
    writes: Option<Main>,
    /// Its target has not come yet.
    target_due: bool,
    /// Of a DELETE or MERGE: the USING that names sources has not come yet.
    using_due: bool,
    /// The common table expression this is the body of, if it becomes visible behind it.
    body_of: Option<String>,
    /// What is visible up to the end of this parenthesis.
    withs: Vec<String>,
}

impl Frame {
    fn new(clause: Clause, may_write: bool) -> Frame {
        Frame {
            clause,
            at_head: true,
            may_write,
            is_bracket: false,
            is_query: false,
            writes: None,
            target_due: false,
            using_due: false,
            body_of: None,
            withs: Vec::new(),
        }
    }
}

struct Scan<'t, 'a> {
    tokens: &'t [Token<'a>],
    start: usize,
    text: Text,
    pairs: Pairs,
    /// Never empty: the first is the text.
    frames: Vec<Frame>,
    /// How many common table expressions of a name are visible.
    visible: HashMap<String, usize>,
    /// Tokens that name common table expressions.
    names_of_withs: HashSet<usize>,
    /// By the parenthesis that opens the body: the name, if the expression becomes visible behind its body.
    bodies: HashMap<usize, Option<String>>,
    /// First tokens of statements behind a WITH.
    mains: HashSet<usize>,
    found: Found,
}

impl Scan<'_, '_> {
    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the first frame is never popped")
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.tokens.get(index).is_some_and(|token| token.is_word(word))
    }

    /// Whether the token before `index`, in the scanned part, is the word.
    fn is_before(&self, index: usize, word: &str) -> bool {
        index > self.start && self.is(index - 1, word)
    }

    fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    fn token(&mut self, index: usize) {
        if self.mains.contains(&index) {
            self.frame().at_head = true;
        }
        match self.tokens[index].kind {
            TokenKind::Word | TokenKind::QuotedName => {
                let at_head = std::mem::take(&mut self.frame().at_head);
                self.word(index, at_head);
            }
            TokenKind::Open => self.open(index),
            TokenKind::Close => self.close(),
            TokenKind::Semicolon => self.next_statement(),
            TokenKind::Comma => {
                let frame = self.frame();
                frame.at_head = false;
                if frame.clause == Clause::From {
                    frame.clause = Clause::Relation {
                        access: Access::Read,
                        in_from: true,
                    };
                    self.found.is_join = true;
                }
            }
            TokenKind::Dot => {}
            other => {
                self.found.is_doubtful |= matches!(other, TokenKind::Unterminated | TokenKind::Other);
                let frame = self.frame();
                frame.at_head = false;
                if let Clause::Relation { in_from, .. } = frame.clause {
                    frame.clause = if in_from { Clause::From } else { Clause::Plain };
                }
                if other == TokenKind::OpenBracket {
                    self.frames.push(Frame {
                        is_bracket: true,
                        ..Frame::new(Clause::Plain, false)
                    });
                } else if other == TokenKind::CloseBracket && self.frame().is_bracket {
                    self.frames.pop();
                }
            }
        }
    }

    fn open(&mut self, index: usize) {
        let may_write = self.text == Text::Definition || self.bodies.contains_key(&index);
        let is_sets = self.is_before(index, "SETS");
        let frame = self.frame();
        frame.at_head = false;
        let clause = match frame.clause {
            Clause::Relation { access, in_from } => {
                frame.clause = if in_from { Clause::From } else { Clause::Plain };
                Clause::Relation { access, in_from: true }
            }
            Clause::GroupBy if is_sets => Clause::GroupBy,
            _ => Clause::Plain,
        };
        let mut inner = Frame::new(clause, may_write);
        inner.body_of = self.bodies.remove(&index).flatten();
        self.frames.push(inner);
    }

    fn close(&mut self) {
        while self.frame().is_bracket {
            self.found.is_doubtful = true;
            self.frames.pop();
        }
        if self.frames.len() == 1 {
            self.found.is_doubtful = true;
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        self.hide(frame.withs);
        if let Some(name) = frame.body_of {
            self.show(name);
        }
        self.frame().at_head = false;
    }

    /// A semicolon: in the body of a routine or a rule.
    fn next_statement(&mut self) {
        self.found.is_doubtful = true;
        let frame = self.frame();
        let withs = std::mem::take(&mut frame.withs);
        let may_write = frame.may_write;
        *frame = Frame::new(Clause::Plain, may_write);
        self.hide(withs);
    }

    fn show(&mut self, name: String) {
        *self.visible.entry(name.clone()).or_default() += 1;
        self.frame().withs.push(name);
    }

    fn hide(&mut self, names: Vec<String>) {
        for name in names {
            if let Some(count) = self.visible.get_mut(&name) {
                *count -= 1;
            }
        }
    }

    fn word(&mut self, index: usize, at_head: bool) {
        let follows_dot = index > self.start && self.kind(index - 1) == Some(TokenKind::Dot);
        if follows_dot {
            // The name was read with its first part. What has no such part is nothing the server knows.
            let is_part = index >= self.start + 2 && matches!(self.kind(index - 2), Some(TokenKind::Word | TokenKind::QuotedName));
            self.found.is_doubtful |= !is_part && self.kind(index + 1) == Some(TokenKind::Open);
            return;
        }
        let is_label = self.is_before(index, "AS");
        if self.names_of_withs.contains(&index) || (is_label && !(self.text == Text::Definition && self.begins_query(index))) {
            return;
        }
        self.found.is_doubtful |= self.is_hidden_write(index);
        let mut buffer = [0; WORD_BYTES_MAX];
        let word = lower(&self.tokens[index], &mut buffer);
        let at_head = at_head || (self.text == Text::Definition && self.is_definition_head(index));
        if at_head && self.head(index, word) {
            return;
        }
        if self.clause_word(index, word) {
            return;
        }
        if let Clause::Relation { access, in_from } = self.frame().clause {
            self.relation(index, word, access, in_from);
        } else {
            self.call(index, word);
        }
    }

    /// In definitions: behind AS, where a label could not stand.
    fn begins_query(&self, index: usize) -> bool {
        self.tokens[index].is_one_of(&["SELECT", "WITH", "VALUES"])
    }

    fn is_definition_head(&self, index: usize) -> bool {
        index > self.start && self.tokens[index - 1].is_one_of(&["DO", "ALSO", "INSTEAD", "ATOMIC", "AS"])
    }

    /// The first word of a statement. Whether it was one.
    fn head(&mut self, index: usize, word: &str) -> bool {
        let at_top = self.frames.len() == 1;
        let may_write = self.frame().may_write;
        let (main, next) = match word {
            "select" | "values" | "table" => (Main::Select, None),
            "insert" if may_write => (Main::Insert, Some("INTO")),
            "update" if may_write => (Main::Update, None),
            "delete" if may_write => (Main::Delete, Some("FROM")),
            "merge" if may_write => (Main::Merge, Some("INTO")),
            _ => return false,
        };
        if next.is_some_and(|next| !self.is(index + 1, next)) || (main == Main::Update && self.is(index + 1, "SET")) {
            return false;
        }
        if at_top && self.found.main.is_none() {
            self.found.main = Some(main);
        }
        if main == Main::Select {
            // The other two are words of clauses as well.
            if word == "values" {
                self.frame().clause = Clause::Plain;
            }
            return word == "values";
        }
        self.found.is_write = true;
        let frame = self.frame();
        frame.writes = Some(main);
        frame.target_due = true;
        frame.using_due = matches!(main, Main::Delete | Main::Merge);
        frame.is_query = main == Main::Update;
        frame.clause = Clause::Plain;
        if main == Main::Update {
            self.expect_target();
        }
        true
    }

    fn expect_target(&mut self) {
        let frame = self.frame();
        frame.target_due = false;
        frame.clause = Clause::Relation {
            access: Access::Write,
            in_from: false,
        };
    }

    fn expect_relation(&mut self, in_from: bool) {
        self.frame().clause = Clause::Relation {
            access: Access::Read,
            in_from,
        };
    }

    /// A word that opens or ends a clause. Whether it was one.
    fn clause_word(&mut self, index: usize, word: &str) -> bool {
        let clause = self.frame().clause;
        match word {
            "select" => {
                let frame = self.frame();
                frame.is_query = true;
                frame.clause = Clause::Plain;
            }
            "with" => self.with(index),
            "from" => self.from(index),
            "join" if clause == Clause::From => {
                self.found.is_join = true;
                self.expect_relation(true);
            }
            "into" => self.into(),
            "using" if self.frame().using_due => {
                self.frame().using_due = false;
                self.expect_relation(true);
            }
            "table" if self.text == Text::Query => {
                // Of `INTO TABLE t`, the word means nothing.
                if !self.is_into_word(index) {
                    self.expect_relation(false);
                }
            }
            "only" | "lateral" if matches!(clause, Clause::Relation { .. }) => {}
            "rows" if matches!(clause, Clause::Relation { in_from: true, .. }) && self.is(index + 1, "FROM") => {
                self.frame().clause = Clause::From;
            }
            "temp" | "temporary" | "unlogged" | "local" | "global" if self.is_into_word(index) => {}
            "group" if self.is(index + 1, "BY") => self.frame().clause = Clause::GroupBy,
            "for" => {
                self.found.is_doubtful |= self
                    .tokens
                    .get(index + 1)
                    .is_some_and(|next| next.is_one_of(&["UPDATE", "SHARE", "NO", "KEY"]));
                self.frame().clause = Clause::Plain;
            }
            "do" => {
                self.found.is_upsert |= self.is(index + 1, "UPDATE") && self.frame().writes == Some(Main::Insert);
                self.frame().clause = Clause::Plain;
            }
            "conflict" if self.is_before(index, "ON") => self.frame().clause = Clause::Plain,
            "where" | "having" | "window" | "order" | "limit" | "offset" | "fetch" | "union" | "intersect" | "except" | "returning" => {
                self.frame().clause = Clause::Plain;
            }
            "when" if self.frame().writes == Some(Main::Merge) => self.frame().clause = Clause::Plain,
            "uescape" => self.found.is_doubtful = true,
            "references" | "inherits" if self.text == Text::Definition => self.expect_relation(false),
            "inherit" if self.text == Text::Definition => self.expect_relation(false),
            "of" if self.text == Text::Definition && self.is_before(index, "PARTITION") => self.expect_relation(false),
            "partition" if self.text == Text::Definition && (self.is_before(index, "ATTACH") || self.is_before(index, "DETACH")) => {
                self.expect_target();
            }
            "like" if self.text == Text::Definition && self.starts_column(index) => self.expect_relation(false),
            _ => return false,
        }
        true
    }

    fn starts_column(&self, index: usize) -> bool {
        index > self.start && matches!(self.kind(index - 1), Some(TokenKind::Open | TokenKind::Comma))
    }

    /// A word between INTO and the table it makes.
    fn is_into_word(&self, index: usize) -> bool {
        self.found.has_into
            && index > self.start
            && self.tokens[index - 1].is_one_of(&["INTO", "TEMP", "TEMPORARY", "UNLOGGED", "LOCAL", "GLOBAL"])
    }

    fn from(&mut self, index: usize) {
        let is_comparison = self.is_before(index, "DISTINCT") && (self.is_before(index - 1, "IS") || self.is_before(index - 1, "NOT"));
        let is_rows = self.is_before(index, "ROWS") && self.frame().clause == Clause::From;
        if is_comparison || is_rows {
            return;
        }
        let frame = self.frame();
        if frame.writes == Some(Main::Delete) && frame.target_due {
            self.expect_target();
        } else if frame.is_query {
            self.expect_relation(true);
        }
    }

    fn into(&mut self) {
        let frame = self.frame();
        let is_target = frame.target_due && matches!(frame.writes, Some(Main::Insert | Main::Merge));
        if !is_target {
            self.found.has_into = true;
        }
        self.expect_target();
    }

    fn with(&mut self, index: usize) {
        let Some(with) = with::parse(self.tokens, &self.pairs, index) else {
            return;
        };
        self.mains.insert(with.main);
        for expression in with.expressions {
            self.names_of_withs.insert(expression.name_at);
            if with.recursive {
                self.show(expression.name);
                self.bodies.insert(expression.body, None);
            } else {
                self.bodies.insert(expression.body, Some(expression.name));
            }
        }
    }

    /// A name where a relation is expected: a relation, a common table expression or a function.
    fn relation(&mut self, index: usize, word: &str, access: Access, in_from: bool) {
        let (name, parts, next) = self.name(index);
        self.frame().clause = if in_from { Clause::From } else { Clause::Plain };
        let class = if parts == 1 { keyword::class(word) } else { Class::Name };
        if class == Class::Reserved {
            self.frame().clause = Clause::Plain;
        } else if in_from && access == Access::Read && self.kind(next) == Some(TokenKind::Open) {
            self.call(index, word);
        } else {
            let is_with = access == Access::Read && name.schema.is_none() && self.visible.get(&name.name).is_some_and(|count| *count > 0);
            if !is_with {
                self.found.relations.push(RelationUse { name, access });
            }
        }
    }

    /// The name that starts at `index`, the number of its parts, and the index behind it.
    fn name(&self, index: usize) -> (QualifiedName, usize, usize) {
        let part = |index: usize| self.tokens.get(index).and_then(literal::name);
        let mut name = QualifiedName {
            schema: None,
            name: part(index).unwrap_or_default(),
        };
        let mut parts = 1;
        let mut next = index + 1;
        while self.kind(next) == Some(TokenKind::Dot)
            && let Some(more) = part(next + 1)
        {
            name.schema = Some(std::mem::replace(&mut name.name, more));
            parts += 1;
            next += 2;
        }
        (name, parts, next)
    }

    /// A name anywhere else: of interest if it is called.
    fn call(&mut self, index: usize, word: &str) {
        let is_called = |next: usize| self.kind(next) == Some(TokenKind::Open);
        if !is_called(index + 1) && self.kind(index + 1) != Some(TokenKind::Dot) {
            return;
        }
        let (name, parts, next) = self.name(index);
        if is_called(next) && (parts > 1 || !self.is_no_call(index, word)) {
            self.found.is_doubtful |= parts > 2;
            self.found.functions.push(name);
        }
    }

    /// A verb that changes rows and may begin a statement, whether one is expected here or not.
    fn is_hidden_write(&self, index: usize) -> bool {
        index > self.start
            && matches!(self.kind(index - 1), Some(TokenKind::Open | TokenKind::Close))
            && self.tokens[index].is_one_of(&["INSERT", "UPDATE", "DELETE", "MERGE"])
    }

    /// Whether the single word before a parenthesis is certainly no function. A name without quotes, if `word` is not empty.
    fn is_no_call(&self, index: usize, word: &str) -> bool {
        if self.ends_operand(index.wrapping_sub(1)) {
            // No call follows an operand: an alias with its columns, OVER, FILTER, WITHIN GROUP, an operator's name.
            return true;
        }
        if self.tokens[index].kind != TokenKind::Word {
            return false;
        }
        let before = |words: &[&str]| index > self.start && self.tokens[index - 1].is_one_of(words);
        match keyword::class(word) {
            Class::Reserved => true,
            Class::ColumnName => function::is_grammar(word),
            Class::FunctionName => match word {
                "join" => before(&["LEFT", "RIGHT", "FULL", "INNER", "OUTER", "CROSS", "NATURAL"]),
                "like" | "ilike" => before(&["NOT"]) && self.ends_operand(index.wrapping_sub(2)),
                _ => false,
            },
            Class::Unreserved if self.text == Text::Definition => true,
            Class::Unreserved => match word {
                "by" => before(&["PARTITION", "ORDER", "GROUP"]),
                "sets" => before(&["GROUPING"]),
                "cube" | "rollup" => self.frames.last().is_some_and(|frame| frame.clause == Clause::GroupBy),
                "materialized" => before(&["AS", "NOT"]),
                "conflict" => before(&["ON"]),
                "zone" => before(&["TIME"]),
                "varying" => before(&["CHARACTER", "CHAR", "NCHAR", "BIT"]),
                "first" | "next" => before(&["FETCH"]),
                "set" | "insert" => self.frames.last().is_some_and(|frame| frame.writes.is_some()),
                _ => false,
            },
            Class::Name => {
                self.text == Text::Definition
                    && before(&["USING", "FUNCTION", "PROCEDURE", "TABLE", "BY", "OF"])
                    && !self.is_executed(index)
            }
        }
    }

    /// `EXECUTE FUNCTION f()` of a trigger.
    fn is_executed(&self, index: usize) -> bool {
        self.is_before(index - 1, "EXECUTE")
    }

    /// Whether the token at `index` ends an operand, so that no function call can follow it.
    fn ends_operand(&self, index: usize) -> bool {
        if index < self.start {
            return false;
        }
        let Some(token) = self.tokens.get(index) else { return false };
        match token.kind {
            TokenKind::QuotedName | TokenKind::String | TokenKind::DollarString | TokenKind::Number | TokenKind::Parameter => true,
            TokenKind::Word => {
                let mut buffer = [0; WORD_BYTES_MAX];
                let word = lower(token, &mut buffer);
                let is_part = index > self.start && self.kind(index - 1) == Some(TokenKind::Dot);
                is_part || keyword::class(word) == Class::Name
            }
            // `DISTINCT ON (…)` and `OPERATOR(…)` end none, and a parenthesis that was not opened tells nothing.
            TokenKind::Close => self.pairs.of_token(index).is_some_and(|open| {
                let is_distinct = open >= 2 && self.is(open - 1, "ON") && self.is(open - 2, "DISTINCT");
                let is_operator = open >= 1 && self.is(open - 1, "OPERATOR");
                !is_distinct && !is_operator
            }),
            _ => false,
        }
    }
}

/// Longer than any keyword.
const WORD_BYTES_MAX: usize = 20;

/// A bare word in small letters; empty for all that is no keyword by its length or its quotes.
fn lower<'b>(token: &Token<'_>, buffer: &'b mut [u8; WORD_BYTES_MAX]) -> &'b str {
    let len = token.text.len();
    if token.kind != TokenKind::Word || len > WORD_BYTES_MAX {
        return "";
    }
    buffer[..len].copy_from_slice(token.text);
    buffer[..len].make_ascii_lowercase();
    std::str::from_utf8(&buffer[..len]).unwrap_or("")
}
