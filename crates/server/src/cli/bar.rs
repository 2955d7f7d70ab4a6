//! How far something is, for a person who waits: on standard error, if that is a terminal, and only if it takes long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes longer shows how far it is.
const LONG: Duration = Duration::from_secs(1);

/// A progress bar that may never be shown.
pub(super) struct Bar {
    began: Instant,
    shown: Option<ProgressBar>,
}

impl Default for Bar {
    fn default() -> Self {
        Self { began: Instant::now(), shown: None }
    }
}

impl Bar {
    /// Shows it, if it took long by now.
    pub(super) fn show(&mut self, thousandths: u64, message: impl FnOnce() -> String) {
        if self.shown.is_none() && self.began.elapsed() < LONG {
            return;
        }
        let bar = self.shown.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:40} {percent} %  {msg}  {eta} left");
            let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr());
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_elapsed(self.began.elapsed())
        });
        bar.set_position(thousandths);
        bar.set_message(message());
    }

    /// Takes it away.
    pub(super) fn end(self) {
        if let Some(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}
