//! One run of one workload by this client, for comparisons with others: `bench <mode> --flag value ...`.
//!
//! Each mode does its work by the API that every user has, and prints one line of JSON last. `cargo xtask bench` starts it
//! in turn with its peers and measures the processes from outside. Connections are secured as `STREAMING_KAFKA__*` says.

mod consume;
mod flags;
mod handle;
mod idle;
mod latency;
mod produce;
mod topics;

use anyhow::{Context, Result, bail};
use flags::Flags;
use serde_json::Value;
use tokio::runtime::Builder;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().context("bench <mode> [--flag value]...")?;
    let flags = Flags::parse(arguments)?;
    let mut builder = match flags.or("threads", 1)? {
        0 | 1 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let result = builder.enable_all().build()?.block_on(run(&mode, flags))?;
    println!("{result}");
    Ok(())
}

async fn run(mode: &str, flags: Flags) -> Result<Value> {
    match mode {
        "produce" => produce::run(flags).await,
        "consume" => consume::run(&flags).await,
        "latency" => latency::run(&flags).await,
        "handle" => handle::run(&flags).await,
        "idle" => idle::run(&flags).await,
        "create" => topics::create(&flags).await,
        "touch" => topics::touch(&flags).await,
        "delete" => topics::delete(&flags).await,
        "records" => topics::records(&flags).await,
        _ => bail!(
            "{mode:?} is no mode: produce, consume, latency, handle, idle, create, touch, delete and records are"
        ),
    }
}
