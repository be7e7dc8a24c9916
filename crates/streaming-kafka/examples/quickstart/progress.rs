use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// What is told while the job runs: bars on a terminal, and elsewhere a line for every ten percent.
pub(crate) struct Bars {
    pub(crate) produced: Bar,
    pub(crate) handled: Bar,
}

impl Bars {
    pub(crate) fn new(events: u32) -> Self {
        let all = MultiProgress::new();
        let bar = |name: &'static str| {
            let style = ProgressStyle::with_template("{prefix:>9} {bar:40} {pos}/{len} {per_sec}");
            let bar = ProgressBar::new(events.into()).with_prefix(name);
            let shown = all.add(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
            let lines = (!std::io::stderr().is_terminal()).then(AtomicU64::default);
            Bar { name, events: events.into(), shown, lines }
        };
        Self { produced: bar("produced"), handled: bar("handled") }
    }

    pub(crate) fn finish(&self) {
        self.produced.shown.finish();
        self.handled.shown.finish();
    }
}

pub(crate) struct Bar {
    name: &'static str,
    events: u64,
    shown: ProgressBar,
    /// Where there is no terminal: how many tenths were told.
    lines: Option<AtomicU64>,
}

impl Bar {
    /// So many events are done.
    pub(crate) fn at(&self, done: u64) {
        self.shown.set_position(done);
        let Some(told) = &self.lines else { return };
        let tenths = done.saturating_mul(10) / self.events.max(1);
        if tenths > told.fetch_max(tenths, Ordering::Relaxed) {
            eprintln!("{} {} %", self.name, tenths * 10);
        }
    }
}
