//! Figures as a picture: panels of bars.

use std::fmt::Write as _;

use super::{clients::Client, rounds::Table};

const COLUMNS: usize = 2;
const WIDTH: f64 = 440.0;
const NAMES: f64 = 110.0;
const VALUES: f64 = 70.0;
const BAR: f64 = 16.0;
const STEP: f64 = 21.0;
const TITLE: f64 = 34.0;
const MARGIN: f64 = 16.0;
const HEADING: f64 = 40.0;

/// Values that are compared.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    /// `None` where it could not be measured.
    pub(super) value: Option<f64>,
    /// Whether it is what the picture is about.
    pub(super) is_ours: bool,
}

/// An SVG of the CPU seconds per million records.
pub(super) fn cpu(tables: &[Table]) -> String {
    let panel = |table: &Table| {
        let bars = table.rows.iter().map(|row| Bar {
            name: row.client.to_string(),
            value: row.cpu().map(|cpu| cpu.median),
            is_ours: row.client == Client::Ours,
        });
        Panel { title: table.workload.name(), bars: bars.collect() }
    };
    let panels: Vec<Panel> = tables.iter().map(panel).collect();
    draw_all("CPU seconds per million records (shorter is better)", &panels)
}

/// An SVG of all panels, each to its own scale.
pub(super) fn draw_all(heading: &str, panels: &[Panel]) -> String {
    let longest = panels.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
    let panel = TITLE + longest as f64 * STEP + MARGIN;
    let (width, height) =
        (COLUMNS as f64 * WIDTH + MARGIN, HEADING + panels.len().div_ceil(COLUMNS) as f64 * panel);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"26\" font-size=\"16\" font-weight=\"bold\">{heading}</text>\n"
    );
    for (number, drawn) in panels.iter().enumerate() {
        let (left, top) =
            (MARGIN + (number % COLUMNS) as f64 * WIDTH, HEADING + (number / COLUMNS) as f64 * panel);
        draw(&mut svg, drawn, left, top);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, panel: &Panel, left: f64, top: f64) {
    let _written = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{}</text>",
        top + TITLE - 12.0,
        panel.title
    );
    let most = panel.bars.iter().filter_map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    for (number, Bar { name, value, is_ours }) in panel.bars.iter().enumerate() {
        let y = top + TITLE + number as f64 * STEP;
        let length = value.unwrap_or(0.0) / most * (WIDTH - NAMES - VALUES - MARGIN);
        let colour = if *is_ours { "#b7410e" } else { "#8fa3b5" };
        let label = value.map_or_else(|| "failed".to_owned(), |value| format!("{value:.2}"));
        let (text, bar) = (y + BAR - 4.0, left + NAMES);
        let _written = writeln!(
            svg,
            "<text x=\"{left}\" y=\"{text}\">{name}</text>\
             <rect x=\"{bar}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{label}</text>",
            bar + length + 5.0
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            rounds::{Figures, Row},
            workloads::Workload,
        },
        *,
    };

    #[test]
    fn the_longest_bar_fills_its_panel_and_a_failure_has_none() {
        let row = |client, cpu: Option<f64>| Row {
            client,
            runs: cpu
                .map(|cpu| Figures {
                    cpu_seconds_per_million: cpu,
                    records_per_second: None,
                    peak_mib: None,
                    stored_bytes: None,
                    latency: None,
                })
                .into_iter()
                .collect(),
            failures: Vec::new(),
        };
        let rows =
            vec![row(Client::Ours, Some(1.0)), row(Client::FranzGo, Some(4.0)), row(Client::Krafka, None)];
        let svg = cpu(&[Table { workload: Workload::Latency, count: 1, rows, writer: None, load: None }]);
        let whole = WIDTH - NAMES - VALUES - MARGIN;
        assert!(svg.contains(&format!("width=\"{whole:.1}\"")), "{svg}");
        assert!(svg.contains(&format!("width=\"{:.1}\"", whole / 4.0)), "{svg}");
        assert!(svg.contains("width=\"0.0\"") && svg.contains("failed"), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
