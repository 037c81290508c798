//! What the system tells about processes and about itself. All of it is Linux.

use std::fs::{read_dir, read_to_string};
use std::io;
use std::time::Duration;

/// Linux counts processor time in hundredths of a second wherever it tells it to programs.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process with all its threads so far, the system's work for it included.
///
/// The sum over the living threads is exact, and wrong when one has ended; what the process says of itself counts those
/// too, in ticks. Where both agree the finer one is taken.
pub(crate) fn process_time(id: u32) -> io::Result<Duration> {
    let coarse = ticked_time(id)?;
    let fine = threads_time(id).unwrap_or_default();
    Ok(if fine.abs_diff(coarse) <= 2 * TICK {
        fine
    } else {
        coarse
    })
}

fn threads_time(id: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in read_dir(format!("/proc/{id}/task"))? {
        let schedule = read_to_string(thread?.path().join("schedstat"))?;
        let first = schedule.split_whitespace().next().unwrap_or_default();
        nanoseconds += first.parse::<u64>().map_err(io::Error::other)?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn ticked_time(id: u32) -> io::Result<Duration> {
    let stat = read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program stands in brackets and may hold anything, blanks and brackets included.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    Ok(TICK * ticks.filter_map(|count| count.parse::<u32>().ok()).sum())
}

/// Processor time that the whole machine has spent on anything so far.
pub(crate) fn machine_time() -> io::Result<Duration> {
    let stat = read_to_string("/proc/stat")?;
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // The fourth and fifth are idleness; those after the eighth are counted in the first two already.
    let busy = fields.zip(0..8).filter(|(_, index)| ![3, 4].contains(index));
    Ok(TICK * busy.filter_map(|(count, _)| count.parse::<u32>().ok()).sum())
}

/// Memory of a process that lies in memory now.
pub(crate) fn resident_bytes(id: u32) -> io::Result<u64> {
    let status = read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kibibytes
        .map(|count| count * 1024)
        .ok_or_else(|| io::Error::other(format!("process {id} has no memory")))
}

/// The machine in a few words.
pub(crate) fn describe() -> String {
    let first = |path: &str, key: &str| {
        let text = read_to_string(path).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        line.split_once(':')
            .map_or("", |(_, value)| value)
            .trim()
            .to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({}), {} memory, Linux {}",
        first("/proc/cpuinfo", "model name"),
        first("/proc/meminfo", "MemTotal"),
        kernel.trim()
    )
}
