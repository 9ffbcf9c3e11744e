//! A sign of life for people: shown on a terminal when a run takes longer than half a second, gone when it ends.

use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter runs end before anybody wonders.
const PATIENCE: Duration = Duration::from_millis(500);

/// Counts files while they are read.
pub struct Progress {
    bar: ProgressBar,
    waiter: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts counting; nothing is ever shown when `quiet` or when nobody watches.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::hidden();
        if quiet || !std::io::stderr().is_terminal() {
            return Self { bar, waiter: None };
        }
        bar.set_style(
            ProgressStyle::with_template("{spinner} {pos} files read")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let (end, ended) = channel();
        let shown = bar.clone();
        let waiter = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, waiter: Some((end, waiter)) }
    }

    /// One file more.
    pub fn file(&self) {
        if self.waiter.is_some() {
            self.bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, waiter)) = self.waiter.take() {
            drop(end);
            let _ = waiter.join();
            self.bar.finish_and_clear();
        }
    }
}
