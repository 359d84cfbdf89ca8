//! Ignore rules. TypeScript compiles patterns into regular expressions (`src/core/worktree/ignore.ts`); here their sources
//! are taken over, so that there is one place that knows what a pattern means.

use regex::bytes::{Regex, RegexBuilder};

/// A rule as TypeScript compiled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// A regular expression of JavaScript with the flag s, each char of which is one byte.
    pub expression: Vec<u8>,
    pub negated: bool,
    pub directories_only: bool,
}

struct Rule {
    expression: Regex,
    negated: bool,
    directories_only: bool,
}

#[derive(Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// None when an expression means something here that it does not mean in JavaScript, or nothing.
    pub fn compile(sources: &[RuleSource]) -> Option<Rules> {
        let rules = sources.iter().map(|source| {
            let expression = RegexBuilder::new(&translate(&source.expression)?)
                .unicode(false)
                .dot_matches_new_line(true)
                .build()
                .ok()?;
            Some(Rule { expression, negated: source.negated, directories_only: source.directories_only })
        });
        Some(Rules { rules: rules.collect::<Option<_>>()? })
    }

    /// Whether the path is left out.
    pub fn leave_out(&self, path: &[u8], is_directory: bool) -> bool {
        self.matching(path, is_directory).is_some()
    }

    /// The number of the rule that leaves the path out: of those that match, the last counts.
    pub fn matching(&self, path: &[u8], is_directory: bool) -> Option<usize> {
        let mut applicable = self.rules.iter().enumerate().rev();
        let matches = |rule: &Rule| (is_directory || !rule.directories_only) && rule.expression.is_match(path);
        applicable.find(|(_, rule)| matches(rule)).filter(|(_, rule)| !rule.negated).map(|(number, _)| number)
    }
}

/// Bytes above ASCII as escapes; in classes those characters escaped that only Rust gives a meaning to. A range with an
/// odd end, or an escape that is not of punctuation, is left to TypeScript.
fn translate(source: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(source.len() + 16);
    let mut in_class = false;
    let mut bytes = source.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let escaped = bytes.next()?;
                if !escaped.is_ascii_punctuation() && !escaped.is_ascii_whitespace() {
                    return None;
                }
                text.push('\\');
                text.push(char::from(escaped));
                continue;
            }
            b'[' if !in_class => in_class = true,
            b']' => in_class = false,
            b'&' | b'~' | b'[' if in_class => text.push('\\'),
            b'-' if in_class && bytes.peek() == Some(&b'-') => return None,
            0x80.. => {
                text.push_str(&format!("\\x{byte:02X}"));
                continue;
            }
            _ => {}
        }
        text.push(char::from(byte));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(expression: &[u8]) -> RuleSource {
        RuleSource { expression: expression.to_vec(), negated: false, directories_only: false }
    }

    #[test]
    fn the_last_rule_that_matches_counts() {
        let negated = RuleSource { negated: true, ..rule(b"^(?:.*\\/)?keep\\.tmp$") };
        let directories = RuleSource { directories_only: true, ..rule(b"^build$") };
        let rules = Rules::compile(&[rule(b"^(?:.*\\/)?[^/]*\\.tmp$"), negated, directories]).expect("they compile");
        assert!(rules.leave_out(b"a/b.tmp", false));
        assert!(!rules.leave_out(b"a/keep.tmp", false));
        assert!(rules.leave_out(b"build", true) && !rules.leave_out(b"build", false));
        assert!(!rules.leave_out(b"a/b.tmp/c", false));
    }

    #[test]
    fn bytes_are_bytes_and_classes_mean_what_they_mean_in_javascript() {
        let rules = Rules::compile(&[rule(b"^a\xff.$"), rule(b"^[&&~b]$")]).expect("they compile");
        assert!(rules.leave_out(b"a\xff\n", false) && rules.leave_out(b"a\xff\xfe", false));
        assert!(rules.leave_out(b"&", false) && rules.leave_out(b"b", false) && !rules.leave_out(b"a", false));
        assert!(Rules::compile(&[rule(b"^\\d$")]).is_none());
    }
}
