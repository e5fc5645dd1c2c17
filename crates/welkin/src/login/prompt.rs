//! Asking a person: at a terminal, where secrets are not shown; else lines of the input.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use anyhow::{Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The longest line that is read.
const MAX_LINE: u64 = 4096;

/// Who is asked.
pub struct Prompt {
    is_terminal: bool,
}

impl Prompt {
    /// The person at the terminal, if the input is one.
    pub fn new() -> Self {
        Self { is_terminal: io::stdin().is_terminal() }
    }

    /// Whether somebody sees the questions.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// A line; empty at the end of the input.
    ///
    /// # Errors
    /// The kernel's.
    pub fn line(&mut self, question: &str) -> Result<String> {
        self.ask(question)?;
        let mut line = String::new();
        io::stdin().lock().take(MAX_LINE).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// A line that nobody sees.
    ///
    /// # Errors
    /// The kernel's, and if the person gives up.
    pub fn secret(&mut self, question: &str) -> Result<String> {
        let secret = if self.is_terminal {
            // Silent before it asks: what is typed at once is neither shown nor lost.
            let _silence = Silence::begin()?;
            self.ask(question)?;
            let secret = unseen(&mut io::stdin().lock());
            eprintln!();
            secret?
        } else {
            let mut line = String::new();
            io::stdin().lock().take(MAX_LINE).read_line(&mut line)?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        };
        if secret.is_empty() {
            bail!("no password was given");
        }
        Ok(secret)
    }

    fn ask(&self, question: &str) -> io::Result<()> {
        if self.is_terminal {
            eprint!("{question}");
            io::stderr().flush()?;
        }
        Ok(())
    }
}

/// A terminal that shows nothing and hands over each key; as it was before, when this is dropped. The keys that would
/// stop the program are read like others, or it would leave the terminal silent.
struct Silence {
    before: Termios,
}

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// A line by its keys.
fn unseen(keys: &mut impl Read) -> Result<String> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const ERASE_LINE: u8 = 0x15;
    let mut typed = Vec::new();
    let mut key = [0];
    while keys.read(&mut key)? == 1 {
        match key[0] {
            b'\r' | b'\n' | END => break,
            INTERRUPT => bail!("interrupted"),
            ERASE_LINE => typed.clear(),
            8 | 0x7f => {
                // A character of several bytes goes as a whole.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            byte if typed.len() < 1024 => typed.push(byte),
            _ => {}
        }
    }
    String::from_utf8(typed).map_err(|_| anyhow::anyhow!("what was typed is no UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::unseen;

    #[test]
    fn keys_make_a_line() {
        for (keys, line) in [
            ("secret\nrest", Some("secret")),
            ("secrex\x7ft\r", Some("secret")),
            ("wrong\x15right\n", Some("right")),
            ("aä\x7fb\n", Some("ab")),
            ("\x7f\x7fa\n", Some("a")),
            ("abc\x04", Some("abc")),
            ("abc", Some("abc")),
            ("abc\x03\n", None),
        ] {
            assert_eq!(unseen(&mut keys.as_bytes()).ok().as_deref(), line, "{keys:?}");
        }
    }
}
