//! What is wrong with a file, and where: `file:line:column: what`, as compilers say it.

use std::ops::Range;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the text, in bytes; none if it is about the whole.
    pub span: Option<Range<usize>>,
    /// What it is, and what to do.
    pub message: String,
}

impl Problem {
    /// A problem at `span`.
    #[must_use]
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into() }
    }
}

/// Line and column of a byte, from 1; columns count characters.
#[must_use]
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// All problems of the file `name`, one a line, in the order of the text.
#[must_use]
pub fn render(name: &str, text: &str, mut problems: Vec<Problem>) -> String {
    problems.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
    let lines = problems.iter().map(|problem| match &problem.span {
        Some(span) => {
            let (line, column) = position(text, span.start);
            format!("{name}:{line}:{column}: {}", problem.message)
        }
        None => format!("{name}: {}", problem.message),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let text = "a = 1\nß = x\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('x').unwrap()), (2, 5));
        assert_eq!(position(text, 99), (3, 1));
    }
}
