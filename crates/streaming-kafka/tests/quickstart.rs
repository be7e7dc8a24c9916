//! The main job as a newcomer runs it: no cluster is named, so it brings its own.

mod support;

use std::process::Command;

#[test]
fn the_main_job_runs_on_brokers_in_its_own_process_when_none_is_named() {
    let program = support::example("quickstart");
    let output = Command::new(program).env_clear().args(["--events", "3000"]).output().unwrap();
    let (said, report) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{said}{report}");
    assert!(
        said.contains("STREAMING_KAFKA__BOOTSTRAP_SERVERS is not set: 3 brokers run in this process"),
        "{said}"
    );
    let report: serde_json::Value = serde_json::from_str(report.lines().last().unwrap()).unwrap();
    let counts = ["produced", "handled", "dead_lettered", "committed", "missing", "repeated"]
        .map(|name| report[name].as_u64());
    assert_eq!(counts, [Some(3000), Some(2997), Some(3), Some(3000), Some(0), Some(0)], "{report}");
}
