//! Compares what was acknowledged with what another client reads.

use std::{fmt, io::BufRead, time::Duration};

use kafka_tests::chain::Chains;

use crate::report::Report;

/// The one line in the end.
#[derive(Debug)]
pub(crate) struct Verdict {
    sent: u64,
    acked: u64,
    lost: u64,
    repeated: u64,
    out_of_order: u64,
    damaged: u64,
    unexplained: u64,
    longest_stall_ms: u64,
}

impl Verdict {
    pub(crate) fn is_right(&self) -> bool {
        self.acked > 0 && self.lost + self.repeated + self.out_of_order + self.damaged + self.unexplained == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, acked, lost, repeated, out_of_order, damaged, unexplained, longest_stall_ms } = self;
        let stall = Duration::from_millis(*longest_stall_ms).as_secs_f64();
        write!(
            f,
            "sent {sent}, acked {acked}, lost {lost}, repeated {repeated}, out of order {out_of_order}, damaged \
             {damaged}, unexplained errors {unexplained}, longest stall {stall:.1} s"
        )
    }
}

/// Reads what Kafka's console consumer prints with `print.partition=true`: a record a line, and a few words of its own.
/// What our own consumer got wrong counts as the same fault.
pub(crate) fn run(report: &Report, values: impl BufRead) -> Verdict {
    let mut chains = Chains::default();
    for line in values.lines() {
        let line = line.expect("a line of text");
        let record = line.strip_prefix("Partition:").and_then(|rest| rest.split_once('\t'));
        match record {
            Some((partition, value)) => chains.see_in(partition, value),
            None => eprintln!("{line}"),
        }
    }
    let lost = report.acknowledged().filter(|(partition, number)| !chains.has(*partition, *number)).count();
    let consumed = &report.consumed;
    for (error, times) in &report.unexplained {
        eprintln!("{times} times: {error}");
    }
    eprintln!("our own consumer: {consumed:?}");
    Verdict {
        sent: report.sent.values().sum(),
        acked: report.acked,
        lost: u64::try_from(lost).unwrap_or(u64::MAX) + consumed.missing,
        repeated: chains.repeated() + consumed.repeated,
        out_of_order: chains.out_of_order() + consumed.out_of_order,
        damaged: chains.damaged() + consumed.damaged,
        unexplained: report.unexplained.values().sum(),
        longest_stall_ms: report.longest_stall_ms,
    }
}
