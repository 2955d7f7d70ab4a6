//! What callers send beside text: files, addresses of files, and the body they came in.

use bytes::Bytes;

/// A file that a caller sent, or says where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// The field it came in, such as `image[1]`, for messages.
    pub field: String,
    /// What its caller calls it.
    pub filename: Option<String>,
    /// The thing itself.
    pub source: InputSource,
}

/// Where a caller's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputSource {
    /// Here.
    Inline {
        /// What it is, by its first bytes; by its caller's word where they say nothing.
        media_type: String,
        /// The bytes, decoded.
        data: Bytes,
    },
    /// At an http or https URL, to be fetched through the guarded door where the provider needs bytes.
    Url(String),
}

impl InputFile {
    /// The file as a data URL, if it is here.
    #[must_use]
    pub fn data_url(&self) -> Option<String> {
        use base64::Engine;
        match &self.source {
            InputSource::Inline { media_type, data } => {
                Some(format!("data:{media_type};base64,{}", base64::engine::general_purpose::STANDARD.encode(data)))
            }
            InputSource::Url(_) => None,
        }
    }
}

/// A body as it came: what an upstream of the same shape is sent, and what a waiting task keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaBody {
    /// The whole `content-type` header, with a form's boundary.
    pub content_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl MediaBody {
    /// Whether it is a form (`multipart/form-data`).
    #[must_use]
    pub fn is_form(&self) -> bool {
        self.content_type.get(..19).is_some_and(|start| start.eq_ignore_ascii_case("multipart/form-data"))
    }

    /// The bytes of a form between its boundaries: the same for the same form, whatever boundary was drawn for it.
    pub fn without_boundary(&self) -> impl Iterator<Item = &[u8]> {
        let boundary = self.content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
        let boundary = boundary.map(|text| text.trim_matches('"').as_bytes()).filter(|boundary| !boundary.is_empty());
        let finder = memchr::memmem::Finder::new(boundary.unwrap_or(b"\0\0none\0\0"));
        let mut rest = Some(&*self.bytes);
        let length = boundary.map_or(0, <[u8]>::len);
        std::iter::from_fn(move || {
            let left = rest?;
            match finder.find(left).filter(|_| length > 0) {
                Some(at) => {
                    rest = left.get(at + length..);
                    left.get(..at)
                }
                None => {
                    rest = None;
                    Some(left)
                }
            }
        })
    }
}
