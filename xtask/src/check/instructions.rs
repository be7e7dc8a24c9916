//! How many machine instructions a record costs, held to the bounds that the counted program names itself.
//!
//! Unlike times, they repeat whatever else the machine does. The static program is counted, so that no system library takes
//! part. Valgrind tells the program of a processor of its own, with AVX2 and without AVX-512, and hides the kernel's quick
//! clock: what is chosen at run time by the processor's features is the same on every machine that has AVX2.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    installed::{self, Valgrind},
    runner::Runner,
};
use crate::interrupt;

/// The program, a bench target.
const PROGRAM: [&str; 4] = ["--package", "streaming-kafka", "--bench", "instructions"];

/// Where its bounds are.
const BOUNDS: &str = "crates/streaming-kafka/benches/instructions/main.rs";

/// The function that is counted, by its mangled or its plain name.
const COUNTED: &str = "*counted_work*";

/// What a new bound leaves for what no change of ours does, such as code that the compiler arranges in another way.
const ROOM: f64 = 1.05;

/// Below this part of its bound, a figure could grow far too much unseen.
const FAR_BELOW: f64 = 0.85;

/// Valgrind counts other programs too, but their figures have no bounds.
const APPLIES: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// A workload and what it costs per record.
#[derive(Debug)]
struct Figure {
    name: String,
    counted: f64,
    bound: f64,
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Within,
    Above,
    /// To be set anew.
    FarBelow,
}

impl Figure {
    fn verdict(&self) -> Verdict {
        match self.counted {
            counted if counted > self.bound => Verdict::Above,
            counted if counted < self.bound * FAR_BELOW => Verdict::FarBelow,
            _ => Verdict::Within,
        }
    }

    fn new_bound(&self) -> f64 {
        (self.counted * ROOM).ceil()
    }

    fn line(&self) -> String {
        let Self { name, counted, bound } = self;
        let advice = match self.verdict() {
            Verdict::Within => String::new(),
            Verdict::Above => format!("  above its bound by {:.1} %", (counted / bound - 1.0) * 100.0),
            Verdict::FarBelow => format!("  far below: make it {}", self.new_bound()),
        };
        format!("  {name:<18}{counted:>12.1}{bound:>10.0}{advice}")
    }
}

/// Builds the program for `target`, counts each of its workloads, and fails where one is above its bound.
pub(super) fn hold_to_bounds(runner: &Runner, target: &str) -> Result<()> {
    if !APPLIES {
        println!("  does not apply: instructions are counted on Linux on x86_64 alone");
        return Ok(());
    }
    let valgrind = installed::valgrind(runner)?;
    let program = build(runner, target)?;
    let list =
        runner.command(&program.display().to_string()).output().context("cannot list the workloads")?;
    let workloads = bounds(&String::from_utf8_lossy(&list.stdout))?;
    println!("  {}", program.display());
    println!("  {:<18}{:>12}{:>10}", "workload", "per record", "bound");
    let mut above = Vec::new();
    for (name, bound) in workloads {
        interrupt::check()?;
        let counted = count(runner, &valgrind, &program, &name)?;
        let figure = Figure { name, counted, bound };
        println!("{}", figure.line());
        if figure.verdict() == Verdict::Above {
            above.push(format!("{} ({:.1}, bound {})", figure.name, figure.counted, figure.bound));
        }
    }
    ensure!(
        above.is_empty(),
        "a record takes more instructions than before: {}; find out where (docs/benchmarks/method.md), or, where it is \
         worth it, raise the bound in {BOUNDS}",
        above.join(", ")
    );
    Ok(())
}

fn build(runner: &Runner, target: &str) -> Result<PathBuf> {
    let build = || {
        let mut command = runner.command("cargo");
        command.args(["build", "--release", "--locked", "--target", target]).args(PROGRAM);
        command
    };
    runner.run(&mut build())?;
    // Cargo tells the names of such programs to other programs alone.
    let told = build().args(["--quiet", "--message-format", "json"]).stderr(Stdio::inherit()).output()?;
    ensure!(told.status.success(), "cannot ask cargo where the program is");
    executable(&String::from_utf8_lossy(&told.stdout)).context("cargo names no program")
}

/// The program among cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter_map(|message| message.get("executable").and_then(Value::as_str).map(PathBuf::from))
        .next_back()
}

/// The workloads and their bounds.
fn bounds(list: &str) -> Result<Vec<(String, f64)>> {
    let workload = |line: &str| {
        let (name, bound) = line.split_once(' ')?;
        Some((name.to_owned(), bound.parse().ok()?))
    };
    let workloads: Option<Vec<_>> = list.lines().map(workload).collect();
    workloads.filter(|workloads| !workloads.is_empty()).with_context(|| format!("no workloads in {list:?}"))
}

/// Instructions per record.
fn count(runner: &Runner, valgrind: &Valgrind, program: &Path, workload: &str) -> Result<f64> {
    let mut command = valgrind.command(runner);
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(format!("--toggle-collect={COUNTED}")).arg(program).arg(workload);
    let output = command.output().context("cannot start valgrind")?;
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{workload} under valgrind ended with {}: {}", output.status, said.trim());
    }
    let records: u32 =
        out.trim().parse().with_context(|| format!("{workload} counts no records: {out:?}"))?;
    let collected = collected(&said).with_context(|| format!("valgrind counts nothing: {}", said.trim()))?;
    ensure!(collected > 0.0 && records > 0, "{workload} never comes to {COUNTED}");
    Ok(collected / f64::from(records))
}

/// What callgrind says last: `==7== Collected : 1082452`.
fn collected(said: &str) -> Option<f64> {
    said.lines().rev().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(counted: f64, bound: f64) -> Figure {
        Figure { name: "some".to_owned(), counted, bound }
    }

    #[test]
    fn a_figure_may_be_as_high_as_its_bound_and_much_below_it_only_with_a_hint() {
        assert_eq!(figure(100.0, 100.0).verdict(), Verdict::Within);
        assert_eq!(figure(100.1, 100.0).verdict(), Verdict::Above);
        assert_eq!(figure(85.0, 100.0).verdict(), Verdict::Within);
        assert_eq!(figure(84.9, 100.0).verdict(), Verdict::FarBelow);
    }

    #[test]
    fn a_bound_that_is_set_as_the_hint_says_is_within_at_once() {
        for counted in [39.8, 239.9, 1355.6, 29_810.4] {
            let found = figure(counted, figure(counted, 0.0).new_bound());
            assert_eq!(found.verdict(), Verdict::Within, "{found:?}");
        }
    }

    #[test]
    fn what_cargo_valgrind_and_the_program_print_is_understood() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/instructions-1\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/t/instructions-1")));
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 1082452\n==7==\n"), Some(1_082_452.0));
        assert_eq!(collected("valgrind: cannot"), None);
        assert_eq!(bounds("a 1\nb 2.5\n").unwrap(), [("a".to_owned(), 1.0), ("b".to_owned(), 2.5)]);
        assert!(bounds("").is_err() && bounds("a b\n").is_err());
    }
}
