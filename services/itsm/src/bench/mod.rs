//! `itsm bench`: load on a service of operations, and what it costs.
//!
//! Every stream waits for its answer before it asks again (a closed loop), so that latencies are those of a server that
//! is as busy as these streams keep it; they leave out what a caller who does not wait would see.

mod cpu;
mod load;

use std::fmt;
use std::time::{Duration, Instant};

use crate::client;
use crate::import::Problem;

pub use cpu::Watched;
pub use load::Kind;

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// What is asked.
    pub kind: Kind,
    /// Requests under way at once.
    pub streams: usize,
    /// Connections that they share.
    pub connections: usize,
    /// How long it is measured.
    pub time: Duration,
    /// How long the load runs before it is measured.
    pub warm_up: Duration,
    /// Processes whose processor time is counted, beside this one.
    pub watched: Vec<Watched>,
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    kind: Kind,
    streams: usize,
    connections: usize,
    /// How long it took.
    took: Duration,
    /// How long each answer took, in microseconds, in order.
    latencies: Vec<u64>,
    /// Requests that were refused, and what the last refusal said.
    refused: (usize, String),
    /// Processor time of each process, by its name.
    cpu: Vec<(String, Duration)>,
}

/// Puts load on a service of operations and measures it.
pub async fn run(address: &str, token: &str, trust: &client::Trust, plan: &Plan) -> Result<Measured, Problem> {
    let mut channels = Vec::new();
    for _ in 0..plan.connections.min(plan.streams) {
        channels.push(client::connect_with(address, token, trust).await?);
    }
    let load = load::prepare(&channels, plan.kind, plan.streams).await?;
    load.run(&channels, plan.streams, plan.warm_up).await;
    let before = cpu::read(&plan.watched)?;
    let began = Instant::now();
    let found = load.run(&channels, plan.streams, plan.time).await;
    let took = began.elapsed();
    let cpu = cpu::since(before, cpu::read(&plan.watched)?);
    let mut latencies: Vec<u64> = Vec::new();
    let mut refused = (0, String::new());
    for stream in found {
        latencies.extend(stream.latencies);
        refused.0 += stream.refused;
        if !stream.refusal.is_empty() {
            refused.1 = stream.refusal;
        }
    }
    latencies.sort_unstable();
    if latencies.is_empty() {
        return Err(Problem::new(format!("no request was answered in {took:.1?}: {}", refused.1)));
    }
    Ok(Measured { kind: plan.kind, streams: plan.streams, connections: channels.len(), took, latencies, refused, cpu })
}

impl Measured {
    /// Requests that were answered in a second.
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency, in milliseconds, that this share of the requests did not exceed (nearest rank).
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.latencies.len() as f64).ceil() as usize;
        let micros = self.latencies.get(rank.max(1) - 1).or(self.latencies.last());
        micros.map_or(0.0, |micros| *micros as f64 / 1_000.0)
    }

    /// Processor time of a process for each request, in microseconds.
    #[allow(clippy::cast_precision_loss)]
    fn each(&self, spent: Duration) -> f64 {
        spent.as_secs_f64() * 1e6 / self.latencies.len() as f64
    }

    /// The figures for machines.
    pub fn json(&self) -> String {
        let cpu: serde_json::Map<_, _> =
            self.cpu.iter().map(|(name, spent)| (name.clone(), self.each(*spent).into())).collect();
        serde_json::json!({
            "kind": self.kind.as_str(),
            "streams": self.streams,
            "connections": self.connections,
            "seconds": self.took.as_secs_f64(),
            "answered": self.latencies.len(),
            "refused": self.refused.0,
            "per_second": self.rate(),
            "p50_ms": self.percentile(50.0),
            "p90_ms": self.percentile(90.0),
            "p99_ms": self.percentile(99.0),
            "max_ms": self.percentile(100.0),
            "cpu_us_per_request": cpu,
        })
        .to_string()
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (streams, connections) = (self.streams, self.connections);
        writeln!(
            out,
            "{}: {:.0} a second, {streams} at once on {connections} connections",
            self.kind.as_str(),
            self.rate()
        )?;
        writeln!(out, "  answered  {} in {:.1?}", self.latencies.len(), self.took)?;
        let at = |percent| self.percentile(percent);
        writeln!(
            out,
            "  latency   p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            at(50.0),
            at(90.0),
            at(99.0),
            at(100.0)
        )?;
        for (name, spent) in &self.cpu {
            writeln!(out, "  processor {:.0} µs a request: {name}", self.each(*spent))?;
        }
        if self.refused.0 > 0 {
            writeln!(out, "  refused   {}, the last one: {}", self.refused.0, self.refused.1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_latencies_that_were_seen() {
        let measured = Measured {
            kind: Kind::Get,
            streams: 2,
            connections: 1,
            took: Duration::from_secs(2),
            latencies: (1..=200).map(|n| n * 1_000).collect(),
            refused: (0, String::new()),
            cpu: vec![("server".to_owned(), Duration::from_millis(40))],
        };
        let seen = [0.0, 50.0, 99.0, 99.9, 100.0].map(|percent| measured.percentile(percent));
        assert_eq!(seen.map(|ms| format!("{ms}")), ["1", "100", "198", "200", "200"]);
        assert_eq!(format!("{}", measured.rate()), "100");
        let json: serde_json::Value = serde_json::from_str(&measured.json()).unwrap();
        assert_eq!(json["cpu_us_per_request"]["server"], 200.0);
    }
}
