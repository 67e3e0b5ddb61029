//! The cost of the relay: round trips and throughput with and without it, in one run.
//!
//! `cargo bench --bench relay`. Needs a `redis-server` or `valkey-server` on PATH, and for the
//! throughput its `redis-benchmark`. Machines are noisy: direct connections and connections through
//! the relay alternate, and medians are compared.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark may"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use redislings::cleanup::Guard;
use redislings::relay::{Port, Relay};
use redislings::server::source::{choose, on_path};
use redislings::server::{Server, Wanted};

const TURNS: usize = 20;
const ROUND_TRIPS: usize = 2000;
const REQUESTS: &str = "1000000";
const THROUGHPUT_TURNS: usize = 3;

fn main() {
    let _guard = Guard::new().unwrap();
    let chosen = choose(&Wanted::Process, "", &|_| ()).expect("a server on PATH");
    let server = Server::start(&chosen.source, &[]).unwrap();
    let direct = server.endpoint().port;
    let relay = Relay::open(Port::Free).unwrap();
    relay.route_to("127.0.0.1", direct, None);
    println!("{} on this machine, one run\n", server.name());
    latency(direct, relay.address().port());
    relay.begin();
    throughput(direct, relay.address().port());
}

fn latency(direct: u16, relay: u16) {
    let (mut beside, mut through) = (Client::connect(direct), Client::connect(relay));
    let (mut beside_us, mut through_us) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        beside_us.extend((0..ROUND_TRIPS).map(|_| beside.round_trip()));
        through_us.extend((0..ROUND_TRIPS).map(|_| through.round_trip()));
    }
    let count = TURNS * ROUND_TRIPS;
    let (beside, through) = (Percentiles::of(beside_us), Percentiles::of(through_us));
    println!("round trip of SET, {count} each");
    println!("  direct             {beside}");
    println!("  through the relay  {through}");
    println!("  added at the median: {:.1} µs\n", through.median - beside.median);
}

struct Client(TcpStream);

impl Client {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn round_trip(&mut self) -> Duration {
        let mut reply = [0; 64];
        let began = Instant::now();
        self.0.write_all(b"*3\r\n$3\r\nSET\r\n$10\r\norder:1001\r\n$4\r\npaid\r\n").unwrap();
        let count = self.0.read(&mut reply).unwrap();
        let took = began.elapsed();
        assert_eq!(&reply[..count], b"+OK\r\n");
        took
    }
}

/// In microseconds.
struct Percentiles {
    median: f64,
    p99: f64,
}

impl Percentiles {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort();
        Self { median: percentile(&all, 50), p99: percentile(&all, 99) }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[sorted.len() * percent / 100].as_secs_f64() * 1e6
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "median {:.1} µs, 99 % {:.1} µs", self.median, self.p99)
    }
}

fn throughput(direct: u16, relay: u16) {
    if on_path("redis-benchmark").is_none() {
        println!("no `redis-benchmark` on PATH: the throughput is not measured");
        return;
    }
    println!(
        "redis-benchmark -P 16 -n {REQUESTS}, requests a second, {THROUGHPUT_TURNS} turns each"
    );
    for test in ["set", "get"] {
        let mut ratios: Vec<f64> = Vec::new();
        for _ in 0..THROUGHPUT_TURNS {
            let (beside, through) =
                (requests_a_second(direct, test), requests_a_second(relay, test));
            println!("  {test}: direct {beside:.0}, through the relay {through:.0}");
            ratios.push(through / beside);
        }
        ratios.sort_by(f64::total_cmp);
        println!("  {test}: {:.2} of direct (median)", ratios[ratios.len() / 2]);
    }
}

fn requests_a_second(port: u16, test: &str) -> f64 {
    let port = port.to_string();
    let output = Command::new("redis-benchmark")
        .args(["-h", "127.0.0.1", "-p", &port, "-P", "16", "-n", REQUESTS, "-t", test, "--csv"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // "SET","823045.25","0.8",…
    let line = text.lines().find(|line| line.to_lowercase().starts_with(&format!("\"{test}\"")));
    let number = line.and_then(|line| line.split(',').nth(1)).expect("a line with the figure");
    number.trim_matches('"').parse().unwrap()
}
