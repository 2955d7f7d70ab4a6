//! The parameters of a header's value: `form-data; name="image"; filename="a.png"`.

/// The parameters of `value`, with their names in lower case. What can't be read ends them.
pub(super) fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']).to_ascii_lowercase();
        let (text, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (text, next) = after.split_once(';').unwrap_or((after, ""));
                (text.trim().to_owned(), next)
            }
        };
        found.push((name, text));
        rest = next;
    }
    found
}

/// The parameter `name`.
pub(super) fn parameter(value: &str, name: &str) -> Option<String> {
    parameters(value).into_iter().find(|(key, _)| key == name).map(|(_, text)| text)
}

/// Text up to its closing quote, and what follows. Browsers write a quote as `%22`, curl as `\"`.
fn unquoted(text: &str) -> (String, &str) {
    let mut whole = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (whole.replace("%22", "\""), text.get(at + 1..).unwrap_or_default()),
            '\\' => match letters.clone().next() {
                Some((_, next @ ('"' | '\\'))) => {
                    letters.next();
                    whole.push(next);
                }
                // A path of Windows.
                Some(_) | None => whole.push('\\'),
            },
            letter => whole.push(letter),
        }
    }
    (whole, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_quoted_or_not() {
        let check = |value: &str, expected: &[(&str, &str)]| {
            let expected: Vec<_> = expected.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            assert_eq!(parameters(value), expected, "{value}");
        };
        check("form-data; name=\"image[]\"; filename=\"a;b.png\"", &[("name", "image[]"), ("filename", "a;b.png")]);
        check("form-data; name=x ; FileName=\"a\\\"b%22c\\d\"", &[("name", "x"), ("filename", "a\"b\"c\\d")]);
        check("multipart/form-data; charset=utf-8;boundary=abc", &[("charset", "utf-8"), ("boundary", "abc")]);
        check("form-data", &[]);
        check("form-data; name=\"never ends", &[("name", "never ends")]);
        assert_eq!(parameter("a; b=1; c=2", "c").as_deref(), Some("2"));
    }
}
