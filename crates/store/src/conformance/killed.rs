//! What crash tests of every durable engine share: a process that writes and says what was acknowledged until it is
//! killed, and the check of what it left.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{commit, put};
use crate::engine::{Direction, Engine};
use crate::range::KeyRange;

const WRITERS: usize = 6;

/// Starts the test called `test` once more, as a process of its own with these variables in its environment, and gives
/// what it [acknowledges](acknowledge).
pub fn start_again(test: &str, environment: &[(&str, &str)]) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            // The last line may have been cut off: only whole ones end in a full stop.
            if let Some(what) = line.strip_prefix("acknowledged ").and_then(|rest| rest.strip_suffix('.')) {
                sender.send(what.to_owned()).ok();
            }
        }
    });
    (child, lines)
}

/// The next thing that is acknowledged. Waits for a minute in which this process runs: a machine that stops both processes
/// for longer has stopped neither for good.
pub fn next_acknowledged(lines: &Receiver<String>) -> String {
    for _ in 0..60 {
        match lines.recv_timeout(Duration::from_secs(1)) {
            Ok(line) => return line,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the process has ended"),
        }
    }
    panic!("the process does not go on working");
}

/// Tells the process that started this one what is safe.
pub fn acknowledge(what: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("acknowledged {what}.\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// Writes from several threads until the process is killed. Each transaction writes two keys far apart, with sizes from
/// a few bytes to several pages, and acknowledges their common part, which begins with `round`.
pub fn write_until_killed(engine: &dyn Engine, round: &str) -> ! {
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for number in 0u64.. {
                    let key = format!("{round}/{writer}/{number}");
                    let value = content(&key);
                    commit(engine, [put(format!("left/{key}"), &value), put(format!("right/{key}"), &value)]);
                    acknowledge(&key);
                }
            });
        }
    });
    unreachable!("the writers never end")
}

/// Holds what killed writers left to what they acknowledged.
pub fn check_what_is_left(engine: &dyn Engine, acknowledged: &BTreeSet<String>) {
    let snapshot = engine.snapshot().unwrap();
    let half = |prefix: &str| -> BTreeSet<String> {
        let pairs = snapshot.scan(KeyRange::prefix(prefix.as_bytes()), Direction::Ascending, usize::MAX).unwrap();
        pairs
            .into_iter()
            .map(|(key, value)| {
                let key = String::from_utf8(key[prefix.len()..].to_vec()).unwrap();
                assert!(value == content(&key), "{key} has other content");
                key
            })
            .collect()
    };
    let left = half("left/");
    assert_eq!(left, half("right/"), "a transaction was kept by halves");
    let lost: Vec<_> = acknowledged.difference(&left).collect();
    assert!(lost.is_empty(), "lost of {}: {lost:?}", acknowledged.len());
}

fn content(key: &str) -> Vec<u8> {
    let size = key.bytes().fold(7usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 9000;
    key.bytes().cycle().take(size + 1).collect()
}
