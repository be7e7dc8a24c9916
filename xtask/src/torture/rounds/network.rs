//! What is done to connections.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fault_proxy::{Cut, End, Flow, Link};

use super::Round;
use crate::torture::{
    proxies::Proxies,
    run::{Run, wait},
};

fn proxies<'a>(run: &'a Run<'_>) -> Result<&'a Proxies> {
    run.proxies.as_ref().context("there are no proxies")
}

/// Leaves connections to one broker half-open, and waits for longer than it takes to notice.
pub(super) fn strand(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let proxies = proxies(run)?;
    proxies.before(round.broker).context("there is no proxy")?.strand();
    wait(round.millis(8_000..14_000))
}

/// Makes the links to one broker slow, or those to all.
pub(super) fn slow(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let proxies = proxies(run)?;
    let flow = match round.number % 4 {
        0 => Flow { latency: round.millis(100..1_000), ..Flow::default() },
        // Less than the records take.
        1 => Flow { bytes_per_second: Some(round.draw.u64(5_000..40_000)), ..Flow::default() },
        2 => Flow { at_once: Some(1), bytes_per_second: Some(20_000), ..Flow::default() },
        _ => Flow { at_once: Some(7), latency: round.millis(10..200), ..Flow::default() },
    };
    let link = Link::both(flow);
    if round.draw.bool() {
        proxies.set_all(link);
    } else {
        proxies.before(round.broker).context("there is no proxy")?.set(link);
    }
    let waited = wait(round.millis(4_000..9_000));
    proxies.set_all(Link::default());
    waited
}

/// Ends connections after some bytes, new ones as well for a while.
pub(super) fn cut(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let proxies = proxies(run)?;
    let begin = Instant::now();
    let lasts = round.millis(1_500..3_000);
    while begin.elapsed() < lasts {
        let after = match round.draw.u32(0..5) {
            0 => 0,
            1 => round.draw.u64(1..8),
            2 => round.draw.u64(8..300),
            3 => round.draw.u64(300..5_000),
            _ => round.draw.u64(5_000..100_000),
        };
        let end = if round.draw.bool() { End::Reset } else { End::Close };
        let flow = Flow { cut: Some(Cut { after, end }), ..Flow::default() };
        proxies.set_all(match round.draw.u32(0..3) {
            0 => Link { up: flow, ..Link::default() },
            1 => Link { down: flow, ..Link::default() },
            _ => Link::both(flow),
        });
        wait(round.millis(100..600))?;
    }
    proxies.set_all(Link::default());
    Ok(())
}

/// Resets what is open, a few times.
pub(super) fn reset(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let proxies = proxies(run)?;
    for _ in 0..round.draw.u32(1..5) {
        proxies.before(round.broker).context("there is no proxy")?.reset();
        wait(round.millis(0..800))?;
    }
    Ok(())
}

/// Lets little of what is produced through, for as long as the run lasts.
pub(super) fn throttle(run: &Run<'_>, round: &mut Round) -> Result<()> {
    let rate = round.draw.u64(200_000..400_000);
    let up = Flow { bytes_per_second: Some(rate), ..Flow::default() };
    proxies(run)?.set_all(Link { up, ..Link::default() });
    wait(Duration::from_secs(10))
}
