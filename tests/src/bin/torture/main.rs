//! The client that `cargo xtask torture` drives while it breaks a cluster.
//!
//! `torture write` produces numbered records and reads them by our own consumer, and writes down what became of each;
//! `torture check` compares that with what another client reads from the topic, given on standard input.

// A tool for tests: what is not as it must be ends it, with the reason.
#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used)]

mod check;
mod report;
mod write;

use std::process::ExitCode;

const USAGE: &str = "torture write <servers> <topic> <partitions> <seconds> <records a second> <report>\n\
                     torture check <report>   (what the console consumer prints, on standard input)";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", servers, topic, partitions, seconds, rate, report] => {
            let load = write::Load {
                servers,
                topic,
                partitions: partitions.parse().expect("a number of partitions"),
                seconds: seconds.parse().expect("a number of seconds"),
                rate: rate.parse().expect("a number of records"),
            };
            write::run(&load).await.save(report);
            ExitCode::SUCCESS
        }
        ["check", report] => {
            let verdict = check::run(&report::Report::load(report), std::io::stdin().lock());
            println!("{verdict}");
            if verdict.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
