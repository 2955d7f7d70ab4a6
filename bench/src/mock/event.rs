//! Server-sent events as upstreams really write them.

/// What ends a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
}

/// Whether a space follows `data:`. Both are allowed, some compatible upstreams leave it out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Space {
    /// `data: {…}`
    #[default]
    One,
    /// `data:{…}`
    None,
}

/// Whether `data: [DONE]` ends a stream. Some compatible upstreams never send it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DoneMark {
    /// It does.
    #[default]
    Sent,
    /// The body just ends.
    Missing,
}

/// One event with this data.
pub(super) fn event(data: &str, framing: Framing, space: Space) -> Vec<u8> {
    let space = match space {
        Space::One => " ",
        Space::None => "",
    };
    let line_end = match framing {
        Framing::Lf => "\n",
        Framing::CrLf => "\r\n",
    };
    format!("data:{space}{data}{line_end}{line_end}").into_bytes()
}
