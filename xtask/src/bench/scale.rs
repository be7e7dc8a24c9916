//! How our client's cost grows, as a page of Markdown.

use std::fmt::Write as _;

use super::{
    curves::{Curve, Point, Unit},
    picture::{self, Bar, Panel},
    rounds::Spread,
};

/// What the page says beside the curves.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) runs: usize,
    pub(super) scale: f64,
    /// The part of a core that an idle consumer of a thousand partitions takes, and its memory in MiB.
    pub(super) idle: (f64, Option<f64>),
}

/// The page, and the name of its picture.
pub(super) fn page(curves: &[Curve], setting: &Setting, picture: &str) -> String {
    let mut page = String::from(
        "# How the cost grows\n\n\
         Written by `cargo xtask bench --curves`: this client alone on one broker of the same machine, in the CPU seconds that its \
         process spends (user and system time, start and end included). In each curve all is the same but one thing; where \
         nothing else is said, records have 100 bytes and no key, topics three partitions, batches 64 KiB without compression, \
         and one task sends.\n\n",
    );
    let _written = write!(page, "![CPU seconds]({picture})\n\n## What it holds for\n\n");
    for (name, fact) in &setting.facts {
        let _written = writeln!(page, "- {name}: {fact}");
    }
    let (share, memory) = setting.idle;
    let _written = write!(
        page,
        "- medians of {} runs (least to most in brackets), steps in turn, at scale {}, after a run of each that does not count\n\n\
         A consumer of 1,000 partitions to which nobody writes takes {:.2} % of a core{}.\n",
        setting.runs,
        setting.scale,
        share * 100.0,
        memory.map(|mib| format!(", and {mib:.0} MiB")).unwrap_or_default()
    );
    curves.iter().for_each(|curve| page.push_str(&table(curve)));
    page
}

/// A panel for each curve.
pub(super) fn picture(curves: &[Curve]) -> String {
    let panel = |curve: &Curve| {
        let bars = curve.points.iter().map(|point| Bar {
            name: point.label.clone(),
            value: point.cpu.map(|cpu| cpu.median),
            is_ours: true,
        });
        Panel { title: format!("{}: {}", curve.name, unit(curve.unit)), bars: bars.collect() }
    };
    let panels: Vec<Panel> = curves.iter().map(panel).collect();
    picture::draw_all("How the cost grows (shorter is better)", &panels)
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::PerMillionRecords => "CPU s/M",
        Unit::PerGigabyte => "CPU s/GB",
    }
}

fn table(curve: &Curve) -> String {
    let mut text = format!(
        "\n## {}\n\n| {} | {} | against the first | 1000 records/s | peak MiB |\n|---:|---:|---:|---:|---:|\n",
        curve.name,
        curve.axis,
        unit(curve.unit)
    );
    let first = curve.points.first().and_then(|point| point.cpu).map(|cpu| cpu.median);
    for Point { label, cpu, rate, peak_mib, .. } in &curve.points {
        let against =
            cpu.zip(first).map(|(cpu, first)| format!("{:+.0} %", (cpu.median / first - 1.0) * 100.0));
        let _written = writeln!(
            text,
            "| {label} | {} | {} | {} | {} |",
            cell(*cpu, 1.0, 3),
            against.unwrap_or_else(|| "-".to_owned()),
            cell(*rate, 1e-3, 0),
            cell(*peak_mib, 1.0, 0)
        );
    }
    text
}

/// A spread in other units, with so many digits.
pub(super) fn cell(spread: Option<Spread>, factor: f64, digits: usize) -> String {
    let Some(Spread { median, least, most }) = spread else { return "-".to_owned() };
    let [median, least, most] = [median, least, most].map(|value| value * factor);
    if least < most {
        format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
    } else {
        format!("{median:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::curves, *};

    #[test]
    fn each_step_is_held_against_the_first() {
        let mut curves = curves::all();
        for (number, point) in curves[0].points.iter_mut().enumerate() {
            let median = 0.2 + number as f64 * 0.01;
            point.cpu = Some(Spread { median, least: median, most: 1.0 });
        }
        let setting = Setting { facts: Vec::new(), runs: 3, scale: 1.0, idle: (0.001, Some(12.0)) };
        let page = page(&curves, &setting, "scale.svg");
        assert!(page.contains("| 3 | 0.200 (0.200 to 1.000) | +0 % | - | - |"), "{page}");
        assert!(page.contains("| 100 | 0.220 (0.220 to 1.000) | +10 % | - | - |"), "{page}");
        assert!(page.contains("takes 0.10 % of a core, and 12 MiB."), "{page}");
        assert_eq!(page.matches("\n## ").count(), 1 + curves.len());
        assert_eq!(picture(&curves).matches("font-weight=\"bold\"").count(), 1 + curves.len());
    }
}
