//! Writes a form for an upstream. Files are passed on as they are, without a copy.

use bytes::Bytes;
use memchr::memmem;

/// What every boundary of ours begins with.
const BOUNDARY: &str = "----easyai-form";

/// A form that is being written.
#[derive(Debug, Default)]
pub struct Form {
    parts: Vec<(String, Bytes)>,
}

/// A form that is written.
#[derive(Debug, Clone)]
pub struct WrittenForm {
    /// The whole `content-type` header.
    pub content_type: String,
    /// The body, in pieces that share the memory of the files.
    pub body: Vec<Bytes>,
}

impl Form {
    /// Adds a field.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        let head = format!("content-disposition: form-data; name=\"{}\"\r\n\r\n", escaped(name));
        self.parts.push((head, Bytes::copy_from_slice(value.as_bytes())));
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, name: &str, filename: &str, media_type: &str, data: Bytes) -> Self {
        let (name, filename) = (escaped(name), escaped(filename));
        // What is no media type would end the head.
        let media_type = if media_type.chars().any(char::is_control) { "application/octet-stream" } else { media_type };
        let head =
            format!("content-disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\ncontent-type: {media_type}\r\n\r\n");
        self.parts.push((head, data));
        self
    }

    /// How many parts it has.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// The whole form, with a boundary that stands in none of its parts.
    #[must_use]
    pub fn finish(self) -> WrittenForm {
        let boundary = self.boundary();
        let mut body = Vec::with_capacity(self.parts.len() * 2 + 1);
        for (index, (head, data)) in self.parts.into_iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\r\n" };
            body.push(Bytes::from(format!("{line_break}--{boundary}\r\n{head}")));
            if !data.is_empty() {
                body.push(data);
            }
        }
        body.push(Bytes::from(format!("\r\n--{boundary}--\r\n")));
        WrittenForm { content_type: format!("multipart/form-data; boundary={boundary}"), body }
    }

    /// Ends: bytes are finitely many, and so are the boundaries that stand in them.
    fn boundary(&self) -> String {
        let mut number = 0_u64;
        loop {
            let boundary = format!("{BOUNDARY}-{number}");
            if !self.parts.iter().any(|(_, data)| memmem::find(data, boundary.as_bytes()).is_some()) {
                return boundary;
            }
            number += 1;
        }
    }
}

/// As browsers do (WHATWG HTML, "multipart/form-data encoding algorithm"), but for backslashes, which some readers take for escapes.
fn escaped(name: &str) -> String {
    name.replace('\\', "_").replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
