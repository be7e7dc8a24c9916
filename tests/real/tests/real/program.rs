//! The program `kafka-embedded`, killed and started again, as `kcat` sees it.
//!
//! Only on real clusters: `cargo test` is to need nothing that is not Rust, and `kcat` is what writes and reads here.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::kcat::{kcat, run};

const BROKERS: u16 = 3;

/// The program at work; killed (SIGKILL) when it is dropped.
struct Program(Child);

impl Program {
    /// Starts it; `None` if it ended at once, as it does when a port is taken.
    fn start(port: u16, data: &Path) -> Option<Self> {
        let program = env::var_os("KAFKA_TESTS_EMBEDDED").unwrap_or_else(|| {
            panic!(
                "KAFKA_TESTS_EMBEDDED names no program: run `cargo xtask test`, or `cargo build -p kafka-embedded \
                 --features cli` and set it to target/debug/kafka-embedded"
            )
        });
        let mut child = Command::new(program)
            .args(["--brokers", &BROKERS.to_string(), "--port", &port.to_string(), "--topic", "a:3"])
            .arg("--data-dir")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let program = Self(child);
        let mut servers = String::new();
        BufReader::new(stdout).read_line(&mut servers).unwrap();
        (!servers.is_empty()).then_some(program)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Below what systems hand to outgoing connections, and free a moment ago.
fn free_port() -> u16 {
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let mut candidates = (10_000 + u16::try_from(std::process::id() % 9_000).unwrap()..20_000).step_by(7);
    candidates.find(|first| (*first..first + BROKERS).all(is_free)).expect("free ports")
}

async fn end_offset(servers: &[String]) -> u64 {
    let ends = run(servers, "-Q -t a:0:-1 -t a:1:-1 -t a:2:-1", "").await;
    ends.lines().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_program_has_its_records_and_offsets_when_it_is_started_again() {
    const HALF: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let (port, program) = (0..5)
        .find_map(|_| {
            let port = free_port();
            Some((port, Program::start(port, folder.path())?))
        })
        .expect("a program that stays");
    let servers: Vec<String> = (port..port + BROKERS).map(|port| format!("127.0.0.1:{port}")).collect();
    run(&servers, "-P -t a -z zstd -X acks=all", "one\ntwo\nthree\n").await;
    let read_in_group = "-G readers -X auto.offset.reset=earliest -c 3 a";
    assert_eq!(run(&servers, read_in_group, "").await.lines().count(), 3);

    // It is killed while a producer that numbers its batches is half through.
    let mut producer = kcat(&servers, "-E -P -t a -K: -X enable.idempotence=true -X linger.ms=5");
    let mut producer = producer.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = producer.stdin.take().unwrap();
    let write = |stdin: &mut std::process::ChildStdin, from: usize| {
        let lines = (from..from + HALF).map(|number| format!("{}:{number}\n", number % 10));
        stdin.write_all(lines.collect::<String>().as_bytes()).unwrap();
        stdin.flush().unwrap();
    };
    write(&mut stdin, 0);
    let deadline = Instant::now() + Duration::from_secs(30);
    while end_offset(&servers).await <= 3 {
        assert!(Instant::now() < deadline, "nothing is written");
    }
    program.kill();
    write(&mut stdin, HALF);
    drop(stdin);
    let program = Program::start(port, folder.path()).expect("the ports are free again");
    let ended = tokio::task::spawn_blocking(move || producer.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");

    let read = run(&servers, "-C -t a -e -K: -X check.crcs=true", "").await;
    let mut of_key = vec![Vec::new(); 10];
    for (key, number) in read.lines().filter_map(|line| line.split_once(':')) {
        if let (Ok(key), Ok(number)) = (key.parse::<usize>(), number.parse::<usize>()) {
            of_key[key].push(number);
        }
    }
    for (key, numbers) in of_key.iter().enumerate() {
        let expected: Vec<usize> = (0..2 * HALF).filter(|number| number % 10 == key).collect();
        assert_eq!(*numbers, expected, "each once and in order, key {key}");
    }
    assert_eq!(end_offset(&servers).await, 2003);

    // The group goes on behind what it had committed, and after another kill it has nothing left to read.
    let read_on = run(&servers, "-G readers -X auto.offset.reset=earliest -c 2000 a", "").await;
    assert_eq!(read_on.lines().filter(|line| line.parse::<usize>().is_ok()).count(), 2 * HALF);
    program.kill();
    let _program = Program::start(port, folder.path()).expect("the ports are free again");
    assert_eq!(run(&servers, "-G readers -e a", "").await, "");
}
