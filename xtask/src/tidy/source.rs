//! Rules for source files: size, header, unsafe code, effects where there must be none, unfinished things, paths.

use super::{Complaint, File};

/// A hand-written file may have so many lines.
const LIMIT: usize = 500;

/// Files above the limit, with the size they have. The list may only shrink: a file that got smaller gets its new size,
/// and leaves when it is below the limit.
const TOO_LONG: &[(&str, usize)] = &[];

/// The crates that may contain `unsafe`.
const UNSAFE: [&str; 2] = ["crates/host-linux/", "crates/md5/"];

/// Crates without side effects.
const PURE: [&str; 9] = ["api", "ec2", "iam", "ids", "policy", "s3", "service", "store", "wire"];

/// What side effects look like.
const EFFECTS: [(&str, &str); 14] = [
    ("SystemTime", "take the time from `Cx`"),
    ("Timestamp::now", "take the time from `Cx`"),
    ("Zoned::now", "take the time from `Cx`"),
    ("getrandom", "take random bytes from `Cx`"),
    ("std::fs", "facts are in the view, bytes in `blobs`"),
    ("tokio::fs", "facts are in the view, bytes in `blobs`"),
    ("std::net::Tcp", "connections belong to `edge` and to hosts"),
    ("std::net::Udp", "connections belong to `edge` and to hosts"),
    ("tokio::net", "connections belong to `edge` and to hosts"),
    ("TcpListener", "connections belong to `edge` and to hosts"),
    ("TcpStream", "connections belong to `edge` and to hosts"),
    ("std::process", "programs are run by hosts"),
    ("tokio::process", "programs are run by hosts"),
    ("std::env::var", "settings are read by the binary"),
];

/// Folders whose text is about the file system of a guest, where such paths are right.
const GUEST: &str = "crates/image/";

pub(crate) fn check(files: &[File]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files {
        paths(file, &mut complaints);
        waits(file, &mut complaints);
        if file.path.ends_with(".rs") {
            size(file, TOO_LONG, &mut complaints);
            header(file, &mut complaints);
            unsafe_code(file, &mut complaints);
            unfinished(file, &mut complaints);
            effects(file, &mut complaints);
        }
    }
    for (path, _) in TOO_LONG {
        if !files.iter().any(|file| file.path == *path) {
            complaints.push(gone(path));
        }
    }
    complaints
}

fn gone(path: &str) -> Complaint {
    Complaint::new(
        path,
        "is on the list of long files but not there",
        "take it off TOO_LONG in xtask/src/tidy/source.rs",
    )
}

fn is_generated(file: &File) -> bool {
    file.text.lines().take(2).any(|line| line.starts_with("// @generated"))
}

fn size(file: &File, too_long: &[(&str, usize)], complaints: &mut Vec<Complaint>) {
    let lines = file.text.lines().count();
    let exception = too_long.iter().find(|(path, _)| *path == file.path).map(|(_, lines)| *lines);
    let complaint = match exception {
        _ if is_generated(file) => return,
        None if lines <= LIMIT => return,
        Some(known) if lines == known && lines > LIMIT => return,
        None => Complaint::new(
            &file.path,
            format!("{lines} lines, where {LIMIT} are the limit"),
            "cut it where it changes its subject; `//!` at the head of each part says what it is",
        ),
        Some(known) if lines > known => Complaint::new(
            &file.path,
            format!("{lines} lines: a file that is too long already ({known}) has grown"),
            "cut it before you add to it",
        ),
        Some(_) => Complaint::new(
            &file.path,
            format!("has shrunk to {lines} lines"),
            "thank you; put that number into TOO_LONG in xtask/src/tidy/source.rs, or take the file off the list",
        ),
    };
    complaints.push(complaint);
}

fn header(file: &File, complaints: &mut Vec<Complaint>) {
    if !is_generated(file) && !file.text.starts_with("//!") {
        complaints.push(Complaint::new(
            &file.path,
            "does not begin with `//!`",
            "say in the first lines what the file is and what is deliberately not in it",
        ));
    }
}

fn unsafe_code(file: &File, complaints: &mut Vec<Complaint>) {
    let is_root = ["src/lib.rs", "src/main.rs"].iter().any(|end| file.path.ends_with(end));
    if is_root
        && !UNSAFE.iter().any(|crate_| file.path.starts_with(crate_))
        && !file.text.lines().any(|line| line == "#![forbid(unsafe_code)]")
    {
        complaints.push(Complaint::new(
            &file.path,
            "does not forbid unsafe code",
            "write `#![forbid(unsafe_code)]` below the header; what needs the kernel goes to host-linux",
        ));
    }
}

/// Lines of code with their numbers: no comments, and nothing from the tests at the end on.
fn code(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let lines = file.text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.take_while(|(_, line)| *line != "#[cfg(test)]").filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_test(file: &File) -> bool {
    file.path.contains("/conformance")
        || file.path.contains("/tests/")
        || file.path.starts_with("tests/")
        || file.path.ends_with("/tests.rs")
}

fn effects(file: &File, complaints: &mut Vec<Complaint>) {
    let is_pure = PURE.iter().any(|krate| file.path.starts_with(&format!("crates/{krate}/src/")));
    if !is_pure || is_test(file) {
        return;
    }
    for (number, line) in code(file) {
        for (word, remedy) in EFFECTS.iter().filter(|(word, _)| line.contains(word)) {
            complaints.push(Complaint::new(
                format!("{}:{number}", file.path),
                format!("{word} in a crate that has no side effects"),
                *remedy,
            ));
        }
    }
}

fn unfinished(file: &File, complaints: &mut Vec<Complaint>) {
    // Written in two parts, so that this file does not complain about itself.
    let words = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
    for (index, line) in file.text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(*word)) {
            complaints.push(Complaint::new(
                format!("{}:{}", file.path, index + 1),
                format!("{word} in committed code"),
                "finish it, or leave it out and say in docs/coverage or CHANGELOG.md that it is not there",
            ));
        }
    }
}

/// Tests wait for conditions. What polls one may sleep for up to 50 ms; a file whose clock is stopped may sleep at will.
fn waits(file: &File, complaints: &mut Vec<Complaint>) {
    if !is_test(file) || file.text.contains("start_paused") {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        let Some((_, rest)) = line.split_once("sleep(") else { continue };
        let is_poll = match rest.strip_prefix("Duration::from_millis(") {
            Some(number) => {
                number.split(')').next().and_then(|text| text.parse::<u32>().ok()).is_some_and(|ms| ms <= 50)
            }
            // Python's one function that polls.
            None => file.path.ends_with("/waiting.py"),
        };
        if !is_poll {
            complaints.push(Complaint::new(
                format!("{}:{}", file.path, index + 1),
                "a test that sleeps",
                "wait for the condition with a deadline, asking at most every 50 ms (Python: `waiting.until`)",
            ));
        }
    }
}

/// Paths of somebody's own machine.
fn paths(file: &File, complaints: &mut Vec<Complaint>) {
    if file.path.starts_with(GUEST) {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        for start in [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")] {
            let found = line.match_indices(start).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                let is_whole = before.is_none_or(|letter| !letter.is_alphanumeric() && !"./_-{}<>)$~".contains(letter));
                is_whole && !line[at..].starts_with(concat!("/ho", "me/ec2-user"))
            });
            if found {
                complaints.push(Complaint::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("a path below {start}, which is on one machine only"),
                    "use a path from the repository's root, a setting, or a temporary folder",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Complaint, File, check, paths, size};

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn wrongs(path: &str, text: &str) -> Vec<String> {
        let all = check(&[file(path, text)]).into_iter().filter(|complaint| complaint.place.starts_with(path));
        all.map(|complaint| complaint.wrong).collect()
    }

    #[test]
    fn every_file_says_what_it_is() {
        assert_eq!(wrongs("crates/x/src/a.rs", "use std::fmt;\n"), ["does not begin with `//!`"]);
        assert_eq!(wrongs("crates/x/src/a.rs", "//! A thing.\n"), [""; 0]);
        assert_eq!(wrongs("crates/x/src/a.rs", "// @generated by cargo xtask codegen; do not edit.\n"), [""; 0]);
    }

    #[test]
    fn only_named_crates_may_be_unsafe() {
        assert_eq!(wrongs("crates/x/src/lib.rs", "//! X.\n"), ["does not forbid unsafe code"]);
        assert_eq!(wrongs("crates/x/src/lib.rs", "//! X.\n#![forbid(unsafe_code)]\n"), [""; 0]);
        assert_eq!(wrongs("crates/host-linux/src/lib.rs", "//! X.\n"), [""; 0]);
        assert_eq!(wrongs("crates/md5/src/lib.rs", "//! X.\n"), [""; 0]);
    }

    #[test]
    fn the_list_of_long_files_only_shrinks() {
        let long = |lines: usize| file("crates/x/src/long.rs", &"//! Long.\n".repeat(lines));
        let judge = |lines: usize, known: &[(&str, usize)]| {
            let mut complaints: Vec<Complaint> = Vec::new();
            size(&long(lines), known, &mut complaints);
            complaints.into_iter().map(|complaint| complaint.wrong).collect::<Vec<_>>()
        };
        let known = [("crates/x/src/long.rs", 600)];
        assert_eq!(judge(500, &[]), [""; 0]);
        assert_eq!(judge(501, &[]), ["501 lines, where 500 are the limit"]);
        assert_eq!(judge(600, &known), [""; 0]);
        assert_eq!(judge(601, &known), ["601 lines: a file that is too long already (600) has grown"]);
        assert_eq!(judge(550, &known), ["has shrunk to 550 lines"]);
        assert_eq!(judge(400, &known), ["has shrunk to 400 lines"]);
    }

    #[test]
    fn services_have_no_clock_no_chance_and_no_disk() {
        let text = "//! E.\n// std::fs in a comment\nuse std::fs;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(wrongs("crates/ec2/src/e.rs", text), ["std::fs in a crate that has no side effects"]);
        assert_eq!(wrongs("crates/ec2/src/e/tests.rs", text), [""; 0]);
        assert_eq!(wrongs("crates/node/src/e.rs", text), [""; 0]);
    }

    #[test]
    fn nothing_is_left_unfinished() {
        let text = format!("//! U.\nfn f() {{ {}) }}\n", concat!("todo", "!("));
        assert_eq!(wrongs("crates/x/src/u.rs", &text).len(), 1);
    }

    #[test]
    fn tests_poll_and_do_not_sleep() {
        let sleeps = |text: &str| wrongs("crates/x/tests/t.rs", &format!("//! T.\n{text}\n"));
        assert_eq!(sleeps("thread::sleep(Duration::from_millis(20));"), [""; 0]);
        assert_eq!(sleeps("thread::sleep(Duration::from_millis(200));"), ["a test that sleeps"]);
        assert_eq!(sleeps("sleep(Duration::from_secs(1)).await;"), ["a test that sleeps"]);
        assert_eq!(sleeps("// start_paused = true\nsleep(Duration::from_secs(1)).await;"), [""; 0]);
        assert_eq!(wrongs("tests/acceptance/test_x.py", "time.sleep(1)\n"), ["a test that sleeps"]);
        assert_eq!(wrongs("tests/acceptance/waiting.py", "time.sleep(0.05)\n"), [""; 0]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let bad = |line: &str| {
            let mut complaints = Vec::new();
            paths(&file("README.md", line), &mut complaints);
            complaints.len()
        };
        for start in ["/ro", "/wo", "/ho"] {
            let end = match start {
                "/ro" => "ot/x",
                "/wo" => "rk/x",
                _ => "me/x",
            };
            assert_eq!(bad(&format!("see {start}{end}")), 1);
            assert_eq!(bad(&format!("\"{start}{end}\"")), 1);
            assert_eq!(bad(&format!("folder{start}{end}")), 0);
        }
        assert_eq!(bad(concat!("/ho", "me/ec2-user/.ssh")), 0);
    }
}
