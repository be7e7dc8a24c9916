//! The figures as a page of Markdown.

use std::fmt::Write as _;

use super::{
    clients::{Built, Client},
    rounds::{Row, Table},
    scale::cell,
    workloads::{Mode, Workload},
};

/// What the page says beside the figures.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) runs: usize,
    pub(super) scale: f64,
    /// Whether the clients spoke TLS.
    pub(super) tls: bool,
    pub(super) built: &'a Built,
    /// The file name of the picture.
    pub(super) picture: String,
}

/// The page.
pub(super) fn page(tables: &[Table], setting: &Setting<'_>) -> String {
    let mut page = String::from(
        "# Clients side by side\n\n\
         Written by `cargo xtask bench`; [method.md](method.md) says how, and how to find the next win. The broker runs on the same \
         machine and takes its share of the cores, so what a client costs is told by the **CPU seconds that its process spends \
         per million records** (user and system time); less is better. Figures of different runs cannot be compared.\n\n",
    );
    let _written = write!(page, "![CPU seconds per million records]({})\n\n", setting.picture);
    page.push_str(&overview(tables, setting.built));
    page.push_str(&about(setting));
    for table in tables {
        page.push_str(&details(table));
    }
    page
}

/// Clients across, workloads down.
fn overview(tables: &[Table], built: &Built) -> String {
    let clients: Vec<Client> = built.programs.iter().map(|(client, _)| *client).collect();
    let mut text = String::from("## CPU seconds per million records\n\n| workload |");
    for client in &clients {
        let _written = write!(text, " {client} |");
    }
    let _written = write!(text, "\n|---|{}\n", "---:|".repeat(clients.len()));
    for table in tables {
        let medians: Vec<Option<f64>> = table.rows.iter().map(|row| Some(row.cpu()?.median)).collect();
        let best = medians.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let _written = write!(text, "| {} |", table.workload.name());
        for median in medians {
            let cell = match median {
                Some(median) if median <= best => format!("**{median:.2}**"),
                Some(median) => format!("{median:.2}"),
                None => "failed".to_owned(),
            };
            let _written = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

fn about(setting: &Setting<'_>) -> String {
    let mut text = String::from("## What they hold for\n\n");
    for (name, fact) in &setting.facts {
        let _written = writeln!(text, "- {name}: {fact}");
    }
    let versions = setting.built.versions.iter().map(|(client, version)| format!("{client} {version}"));
    let _written = writeln!(text, "- clients: {}", versions.collect::<Vec<_>>().join(", "));
    if setting.tls {
        text.push_str("- connections: TLS, where both sides show a certificate, and what each client negotiates by default\n");
    }
    for (client, why) in &setting.built.absent {
        let _written = writeln!(text, "- absent: {client}, since it could not be built ({why})");
    }
    let _written = writeln!(
        text,
        "- medians of {} runs (least to most in brackets), clients in turn, at scale {}, after a round that does not count",
        setting.runs, setting.scale
    );
    text.push('\n');
    text
}

fn details(table: &Table) -> String {
    let Table { workload, count, rows, writer, load } = table;
    let settings = workload.settings().map(|(flag, value)| format!("{flag} {value}")).join(", ");
    let mut text =
        format!("## {}\n\n{count} records of {} bytes; {settings}", workload.name(), workload.size());
    if let Some(writer) = writer {
        let _written = write!(text, "; written by {writer}");
    }
    if let Some(load) = load {
        let _written = write!(text, "; load of the machine before it began {load:.1}");
    }
    let middle: &[&str] = match workload.mode() {
        Mode::Latency => &["p50 in µs", "p99 in µs"],
        Mode::Produce => &["1000 records/s", "MB/s", "bytes a record takes in the log"],
        Mode::Consume => &["1000 records/s", "MB/s"],
    };
    let columns = middle.join(" | ");
    let _written = write!(text, "\n\n| client | CPU s/M | {columns} | peak MiB |\n|---|");
    let _written = writeln!(text, "{}", "---:|".repeat(middle.len() + 2));
    for row in rows {
        text.push_str(&line(row, *workload));
    }
    for row in rows {
        for failure in &row.failures {
            let _written = write!(text, "\nA run of {} does not count: {failure}.\n", row.client);
        }
    }
    text.push('\n');
    text
}

fn line(row: &Row, workload: Workload) -> String {
    let middle = match workload.mode() {
        Mode::Latency => {
            let [median, high] = row.latency().map_or([None, None], |both| both.map(Some));
            vec![cell(median, 1.0, 0), cell(high, 1.0, 0)]
        }
        Mode::Produce | Mode::Consume => {
            let megabytes = row.rate().map_or_else(
                || "-".to_owned(),
                |rate| format!("{:.0}", rate.median * workload.size() as f64 / 1e6),
            );
            let stored = (workload.mode() == Mode::Produce).then(|| {
                row.stored().map_or_else(|| "-".to_owned(), |stored| format!("{:.0}", stored.median))
            });
            [cell(row.rate(), 1e-3, 0), megabytes].into_iter().chain(stored).collect()
        }
    };
    format!(
        "| {} | {} | {} | {} |\n",
        row.client,
        cell(row.cpu(), 1.0, 2),
        middle.join(" | "),
        cell(row.peak(), 1.0, 0)
    )
}

#[cfg(test)]
mod tests {
    use super::{super::rounds::Figures, *};

    fn row(client: Client, cpu: &[f64]) -> Row {
        let figures = |cpu: &f64| Figures {
            cpu_seconds_per_million: *cpu,
            records_per_second: Some(2e6),
            peak_mib: None,
            stored_bytes: Some(111.0),
            latency: None,
        };
        Row { client, runs: cpu.iter().map(figures).collect(), failures: Vec::new() }
    }

    #[test]
    fn the_best_of_a_workload_is_bold_and_a_failure_is_named() {
        let mut failed = row(Client::Krafka, &[]);
        failed.failures.push("it saw 1 of 2 records".to_owned());
        let rows = vec![row(Client::Ours, &[0.2, 0.1, 0.4]), row(Client::FranzGo, &[0.5]), failed];
        let programs = rows.iter().map(|row| (row.client, "x".into())).collect();
        let built = Built { programs, versions: Vec::new(), absent: vec![(Client::Rskafka, "no go".into())] };
        let table = Table { workload: Workload::Produce100, count: 10, rows, writer: None, load: None };
        let setting = Setting {
            facts: Vec::new(),
            runs: 3,
            scale: 1.0,
            tls: true,
            built: &built,
            picture: "p.svg".into(),
        };
        let page = page(&[table], &setting);
        assert!(page.contains("| produce-100 | **0.20** | 0.50 | failed |"), "{page}");
        assert!(page.contains("| ours | 0.20 (0.10 to 0.40) | 2000 | 200 | 111 | - |"), "{page}");
        let cells = |start: &str| {
            let line = page.lines().rfind(|line| line.starts_with(start));
            line.map(|line| line.matches('|').count())
        };
        assert_eq!(cells("| client | CPU s/M"), cells("| ours |"), "{page}");
        assert!(page.contains("A run of krafka does not count: it saw 1 of 2 records."), "{page}");
        assert!(page.contains("absent: rskafka"), "{page}");
    }
}
