//! What another process uses: CPU time to the nanosecond, and memory. Linux only, read from `/proc`.
//!
//! `/proc/PID/schedstat` counts only the first thread, so every thread's own is read. A thread that ended takes its count with
//! it; `/proc/PID/stat` remembers it but counts in ticks of 10 ms. Each is used where it is the better one.

use std::{collections::BTreeMap, fs, io, time::Duration};

use serde::{Deserialize, Serialize};

/// `USER_HZ` is 100 on every Linux we run on.
const TICK: Duration = Duration::from_millis(10);

/// User and system time are both cut to ticks, at both ends: less than this is not a difference.
const TICKS_ARE_VAGUE_BY: Duration = Duration::from_millis(40);

/// The CPU time that some processes have used up to now.
#[derive(Debug, Clone, Default)]
pub struct CpuSnapshot {
    processes: BTreeMap<u32, ProcessCpu>,
}

#[derive(Debug, Clone, Default)]
struct ProcessCpu {
    threads: BTreeMap<u32, Duration>,
    by_ticks: Duration,
}

impl CpuSnapshot {
    /// Of one process.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        Ok(Self { processes: BTreeMap::from([(pid, ProcessCpu::of(pid)?)]) })
    }

    /// Of a process and its children, as PostgreSQL has one for each connection.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of_family(pid: u32) -> io::Result<Self> {
        let mut snapshot = Self::of(pid)?;
        for child in children(pid)? {
            // One that ended just now is left out.
            if let Ok(cpu) = ProcessCpu::of(child) {
                snapshot.processes.insert(child, cpu);
            }
        }
        Ok(snapshot)
    }

    /// The time used since an earlier snapshot. A process that ended in between is not counted.
    pub fn since(&self, earlier: &Self) -> Duration {
        let none = ProcessCpu::default();
        self.processes.iter().map(|(pid, now)| now.since(earlier.processes.get(pid).unwrap_or(&none))).sum()
    }
}

impl ProcessCpu {
    fn of(pid: u32) -> io::Result<Self> {
        let mut threads = BTreeMap::new();
        for id in numbers_in(&format!("/proc/{pid}/task"))? {
            if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/task/{id}/schedstat"))
                && let Some(nanos) = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok())
            {
                threads.insert(id, Duration::from_nanos(nanos));
            }
        }
        let ticks = stat_fields(pid)?.ticks;
        Ok(Self { threads, by_ticks: TICK * ticks })
    }

    fn since(&self, earlier: &Self) -> Duration {
        let of_thread = |(id, now): (&u32, &Duration)| now.saturating_sub(earlier.threads.get(id).copied().unwrap_or_default());
        let by_threads: Duration = self.threads.iter().map(of_thread).sum();
        let by_ticks = self.by_ticks.saturating_sub(earlier.by_ticks);
        if by_ticks > by_threads + TICKS_ARE_VAGUE_BY { by_ticks } else { by_threads }
    }
}

/// Resident memory of a process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Memory {
    /// Now (`VmRSS`).
    pub resident_bytes: u64,
    /// The most it ever was (`VmHWM`).
    pub peak_bytes: u64,
}

impl Memory {
    /// Of one process.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kibibytes = |name: &str| -> io::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
            number.ok_or_else(|| io::Error::other(format!("no {name} in /proc/{pid}/status")))
        };
        Ok(Self { resident_bytes: kibibytes("VmRSS:")? * 1024, peak_bytes: kibibytes("VmHWM:")? * 1024 })
    }
}

struct Stat {
    parent: u32,
    ticks: u32,
}

/// Reads `/proc/PID/stat` from behind the name, which may hold spaces and brackets itself.
fn stat_fields(pid: u32) -> io::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    // proc(5) counts from 1 and has the state, our first, as its third.
    let number = |field: usize| fields.get(field - 3).and_then(|number| number.parse::<u32>().ok());
    match (number(4), number(14), number(15)) {
        (Some(parent), Some(user), Some(system)) => Ok(Stat { parent, ticks: user.saturating_add(system) }),
        (_, _, _) => Err(io::Error::other(format!("/proc/{pid}/stat is not as expected"))),
    }
}

fn children(pid: u32) -> io::Result<Vec<u32>> {
    let is_child = |candidate: &u32| stat_fields(*candidate).is_ok_and(|stat| stat.parent == pid);
    Ok(numbers_in("/proc")?.into_iter().filter(is_child).collect())
}

fn numbers_in(folder: &str) -> io::Result<Vec<u32>> {
    let names = fs::read_dir(folder)?.filter_map(|entry| entry.ok().and_then(|entry| entry.file_name().into_string().ok()));
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn burn(time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn time_of_other_threads_counts_also_when_they_have_ended() {
        let pid = std::process::id();
        let before = CpuSnapshot::of(pid).unwrap();
        std::thread::spawn(|| burn(Duration::from_millis(200))).join().unwrap();
        let used = CpuSnapshot::of(pid).unwrap().since(&before);
        // The other core may be taken by somebody else, so wall time is only a bound from above, with room for other tests.
        assert!(used > Duration::from_millis(50), "{used:?}");
    }

    #[test]
    fn a_family_includes_its_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let family = CpuSnapshot::of_family(std::process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.processes.contains_key(&child.id()));
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.resident_bytes > 500_000 && memory.peak_bytes >= memory.resident_bytes, "{memory:?}");
    }
}
