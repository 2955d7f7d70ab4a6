//! Which of a stream's choices (`n`) still run. Each ends with a finish reason of its own, some long before the others.

/// How many choices still run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    running: u32,
    any_ended: bool,
}

impl Choices {
    pub(super) const fn new(asked: u32) -> Self {
        Self { running: if asked == 0 { 1 } else { asked }, any_ended: false }
    }

    /// A finish reason came. An upstream that ends several choices in one chunk counts as one: then `[DONE]` tells the end.
    pub(super) const fn one_ended(&mut self) {
        self.running = self.running.saturating_sub(1);
        self.any_ended = true;
    }

    /// A delta came after a finish reason: something still runs.
    pub(super) const fn goes_on(&mut self) {
        if self.running == 0 {
            self.running = 1;
        }
    }

    /// Whether an end of the body would be a good one.
    pub(super) const fn any_ended(self) -> bool {
        self.any_ended
    }

    /// Whether nothing but usage and `[DONE]` can come.
    pub(super) const fn all_ended(self) -> bool {
        self.running == 0
    }
}
