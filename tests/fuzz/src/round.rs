use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use kafka_core::fuzzing::Shape;
use kafka_embedded::fuzzing::{Brokers, Served};

use crate::{RequestKind, Requests, mutate, record_sets, responses, sockets};

/// How often one message is damaged before the next is drawn.
const VARIANTS: usize = 16;
/// What the brokers of a round keep of records at most.
const STORED: u64 = 4 << 20;

/// What is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The decoder of every response at every version.
    Responses,
    /// What splits a broker's bytes into answers.
    Frames,
    /// The readers of record batches, with each compression.
    Records,
    /// Embedded brokers: the decoder of every request, and what is done with it.
    Requests,
    /// Embedded brokers on sockets, while another client works.
    Sockets,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Responses, Self::Frames, Self::Records, Self::Requests, Self::Sockets];

    /// How many executions a round has.
    pub fn executions(self) -> usize {
        match self {
            Self::Responses | Self::Records => 32 * VARIANTS,
            Self::Frames => 256,
            Self::Requests => 400,
            // One of each request, and what is no request.
            Self::Sockets => Requests::all().len(),
        }
    }

    /// How many bytes an execution with an input of this size may take at once.
    pub fn allowed(self, input: usize) -> u64 {
        let (input, limit) = (input as u64, record_sets::LIMIT as u64);
        match self {
            // Structures are larger in memory than on the wire, and a growing list has its former self beside it.
            Self::Responses => (64 << 10) + 160 * input,
            // What a length alone may make a connection reserve.
            Self::Frames => (5 << 20) + 2 * input,
            // Records decompressed, once more as they are compressed again, and the tables of the codecs.
            Self::Records => 4 * limit + (4 << 20) + 4 * input,
            // A topic of 10,000 partitions and what is said about it, and all records that are kept.
            Self::Requests => (48 << 20) + STORED * 2 + 256 * input,
            // The whole round counts as one: what silent connections reserve, and the most that a request may take.
            Self::Sockets => 192 << 20,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Responses => "responses",
            Self::Frames => "frames",
            Self::Records => "records",
            Self::Requests => "requests",
            Self::Sockets => "sockets",
        })
    }
}

/// What rounds came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Inputs that were read.
    pub executions: u64,
    /// Of them, those that were damaged and could be read all the same.
    pub accepted: u64,
    /// The most bytes that one of them took at once.
    pub peak: u64,
    /// The most bytes that one of them took for each byte of input, beyond 64 KiB.
    pub ratio: u64,
    /// The longest of them.
    pub longest: Duration,
}

impl Figures {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            executions: self.executions + other.executions,
            accepted: self.accepted + other.accepted,
            peak: self.peak.max(other.peak),
            ratio: self.ratio.max(other.ratio),
            longest: self.longest.max(other.longest),
        }
    }
}

/// What must not be, and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    target: Target,
    seed: u64,
    execution: u64,
    what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, seed, execution, what } = self;
        write!(
            f,
            "{what}\nin execution {execution} of a round; again by: cargo xtask fuzz --target {target} --seed {seed} --rounds 1"
        )
    }
}

/// Runs the round of this seed.
///
/// # Errors
/// A panic, more memory than is allowed, or an answer that cannot be written.
pub fn round(target: Target, seed: u64) -> Result<Figures, Failure> {
    let mut course = Course { target, figures: Figures::default() };
    let ran = catch_unwind(AssertUnwindSafe(|| course.run(seed)));
    let result = ran.unwrap_or_else(|panic| Err(format!("a panic: {}", message(panic.as_ref()))));
    let failure = |what| Failure { target, seed, execution: course.figures.executions, what };
    result.map(|()| course.figures).map_err(failure)
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// How many panics there were in this process, also those that ended nothing but a task.
fn panics() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            COUNT.fetch_add(1, Ordering::Relaxed);
            before(panic);
        }));
    });
    COUNT.load(Ordering::Relaxed)
}

struct Course {
    target: Target,
    figures: Figures,
}

impl Course {
    fn run(&mut self, seed: u64) -> Result<(), String> {
        let mut random = Rng::with_seed(seed);
        match self.target {
            Target::Responses => self.responses(&mut random),
            Target::Frames => self.frames(&mut random),
            Target::Records => self.records(&mut random),
            Target::Requests => self.requests(seed, &mut random),
            Target::Sockets => self.sockets(seed),
        }
    }

    fn sockets(&mut self, seed: u64) -> Result<(), String> {
        let before = panics();
        let mut figures = Figures::default();
        self.execute(0, || sockets::run(seed, &mut figures).map(|()| true), || "a round".to_owned())?;
        self.figures = Figures { executions: 0, accepted: 0, ..self.figures }.and(figures);
        if panics() > before { Err("a panic in a task".to_owned()) } else { Ok(()) }
    }

    fn responses(&mut self, random: &mut Rng) -> Result<(), String> {
        let (_, other) = responses::draw(random);
        for _ in 0..self.target.executions() / VARIANTS {
            let (shape, frame) = responses::draw(random);
            if !responses::read(&shape, frame.clone()) {
                return Err(format!("{} {} cannot be read: {frame:02x?}", shape.name, shape.version));
            }
            for _ in 0..VARIANTS {
                let mut damaged = frame.clone();
                mutate(random, &mut damaged, &other);
                self.execute(damaged.len(), || Ok(responses::read(&shape, damaged)), || shown(&shape))?;
            }
        }
        Ok(())
    }

    fn frames(&mut self, random: &mut Rng) -> Result<(), String> {
        for _ in 0..self.target.executions() {
            let stream = responses::stream(random);
            let piece = *random.choice(&[1, 2, 3, 100, 5000, usize::MAX]).unwrap_or(&1);
            self.execute(stream.len(), || Ok(responses::split(&stream, piece)), || "a stream".to_owned())?;
        }
        Ok(())
    }

    fn records(&mut self, random: &mut Rng) -> Result<(), String> {
        for _ in 0..self.target.executions() {
            let bytes = record_sets::damaged(random);
            let what = || "a record set".to_owned();
            self.execute(bytes.len(), || Ok(record_sets::read(bytes)), what)?;
        }
        Ok(())
    }

    fn requests(&mut self, seed: u64, random: &mut Rng) -> Result<(), String> {
        let mut brokers = Brokers::new(seed, STORED).topic("t", 3).topic("u", 1);
        if random.bool() {
            brokers = brokers.durable();
        }
        let words =
            ["t", "u", "g", "consumer", "range", "x", "1", "retention.ms", "cleanup.policy", "compact"];
        let mut requests = Requests::new(seed, &words, brokers.topic_ids());
        for _ in 0..self.target.executions() {
            let (shape, _) = *random.choice(Requests::all()).ok_or("there are requests")?;
            let kind = if random.u8(..3) == 0 { RequestKind::Whole } else { RequestKind::Damaged };
            let frame = Bytes::from(requests.frame(&shape, kind));
            let after = Duration::from_millis(*random.choice(&[0, 1, 100, 3000, 60_000]).unwrap_or(&0));
            let broker = random.i32(1..4);
            let serve = || Ok(brokers.serve(broker, frame.clone(), after)? != Served::Closed);
            self.execute(frame.len(), serve, || shown(&shape))?;
        }
        Ok(())
    }

    /// One execution; whether it could read its input is what `act` says.
    fn execute(
        &mut self,
        input: usize,
        act: impl FnOnce() -> Result<bool, String>,
        what: impl Fn() -> String,
    ) -> Result<(), String> {
        let (begun, mut outcome) = (Instant::now(), Ok(false));
        let counted = allocation_counter::measure(|| outcome = act());
        let accepted = outcome.map_err(|error| format!("{}: {error}", what()))?;
        let peak = counted.bytes_max;
        if peak > self.target.allowed(input) {
            return Err(format!(
                "{}: {peak} bytes at once for an input of {input}, where {} are allowed",
                what(),
                self.target.allowed(input)
            ));
        }
        let ratio = peak.saturating_sub(64 << 10) / (input as u64).max(1);
        let one = Figures { executions: 1, accepted: accepted.into(), peak, ratio, longest: begun.elapsed() };
        self.figures = self.figures.and(one);
        Ok(())
    }
}

fn shown(shape: &Shape) -> String {
    format!("{} {}", shape.name, shape.version)
}
