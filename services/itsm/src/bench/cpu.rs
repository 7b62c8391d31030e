//! Processor time of processes, as Linux counts it.

use std::fs;
use std::time::Duration;

use crate::import::Problem;

/// What /proc counts in: USER_HZ is 100 on every Linux (time(7)).
const TICK: Duration = Duration::from_millis(10);

/// A process to be watched, with those of the same program that it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// What it is called in the figures.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

impl std::str::FromStr for Watched {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not NAME=PID, for example server=4711");
        let (name, pid) = text.split_once('=').ok_or_else(wrong)?;
        let pid = pid.parse().map_err(|_| wrong())?;
        if name.is_empty() { Err(wrong()) } else { Ok(Self { name: name.to_owned(), pid }) }
    }
}

/// Processor time used so far: of this process and of each that is watched.
pub fn read(watched: &[Watched]) -> Result<Vec<(String, Duration)>, Problem> {
    let processes = processes();
    let mut read = Vec::new();
    for (name, pid) in
        std::iter::once(("client", std::process::id())).chain(watched.iter().map(|one| (one.name.as_str(), one.pid)))
    {
        let own = processes.iter().find(|process| process.pid == pid);
        let own =
            own.ok_or_else(|| Problem::new(format!("{name}: no process {pid} runs here, as /proc shows them")))?;
        // Postgres is a process for each connection. A Postgres that a server started is another program.
        let children = processes.iter().filter(|process| process.parent == pid && process.name == own.name);
        let ticks: u64 = own.ticks + children.map(|process| process.ticks).sum::<u64>();
        read.push((name.to_owned(), TICK * u32::try_from(ticks).unwrap_or(u32::MAX)));
    }
    Ok(read)
}

/// What was used between two readings.
pub fn since(before: Vec<(String, Duration)>, after: Vec<(String, Duration)>) -> Vec<(String, Duration)> {
    let pairs = before.into_iter().zip(after);
    pairs.map(|((name, before), (_, after))| (name, after.saturating_sub(before))).collect()
}

/// A process that runs.
struct Process {
    pid: u32,
    parent: u32,
    name: String,
    /// User and system time, in ticks.
    ticks: u64,
}

fn processes() -> Vec<Process> {
    let Ok(folders) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = folders.flatten().filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// A line of `/proc/PID/stat` (proc(5)): the name stands in brackets and may hold any character.
fn parse(pid: u32, line: &str) -> Option<Process> {
    let (head, tail) = line.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Process { pid, parent, name, ticks: number(11)? + number(12)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_process_is_read_whatever_it_is_called() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 0 0 0 13 4 0 0 20 0 1 0 100 0 0";
        let process = parse(42, line).unwrap();
        assert_eq!((process.parent, process.name.as_str(), process.ticks), (7, "a) b (c", 17));
        assert!(parse(42, "42 (short) S 7").is_none());
    }

    #[test]
    fn a_watched_process_has_a_name_and_a_number() {
        assert_eq!("server=12".parse(), Ok(Watched { name: "server".to_owned(), pid: 12 }));
        for wrong in ["server", "=12", "server=x"] {
            assert!(wrong.parse::<Watched>().unwrap_err().contains("NAME=PID"), "{wrong}");
        }
    }
}
