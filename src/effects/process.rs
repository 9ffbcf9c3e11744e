//! Other programs, started without a shell: bounded in time and output, their words never repeated.
//!
//! What they print is secret, and what they say when they fail may be: stderr goes nowhere.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long a program may take. It may have to ask a server, or a person.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much it may print, in bytes.
const MOST: usize = 1 << 20;

/// Why there is no answer. Says nothing of what was printed.
#[derive(Debug)]
pub enum ProcessError {
    /// There is no such program.
    Missing,
    /// The system does not start it.
    Start(io::Error),
    /// It took too long and was ended.
    Slow,
    /// It printed too much.
    Large,
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is not on the PATH"),
            Self::Start(error) => write!(f, "cannot be started: {error}"),
            Self::Slow => write!(f, "gave no answer within {} seconds", PATIENCE.as_secs()),
            Self::Large => write!(f, "printed more than {} MiB", MOST >> 20),
        }
    }
}

/// What a program answered.
pub struct Answer {
    /// Its exit status; none when a signal ended it.
    pub status: Option<i32>,
    /// What it printed.
    pub stdout: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether it ended well.
    pub fn is_success(&self) -> bool {
        self.status == Some(0)
    }

    /// What it printed, if that is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.stdout).ok()
    }
}

/// Runs a program with `input` on its stdin.
///
/// # Errors
/// It could not be started, took too long or printed too much.
pub fn run(
    program: impl AsRef<OsStr>,
    arguments: &[impl AsRef<OsStr>],
    environment: &[(&str, &str)],
    input: &str,
) -> Result<Answer, ProcessError> {
    run_within(PATIENCE, program, arguments, environment, input)
}

fn run_within(
    patience: Duration,
    program: impl AsRef<OsStr>,
    arguments: &[impl AsRef<OsStr>],
    environment: &[(&str, &str)],
    input: &str,
) -> Result<Answer, ProcessError> {
    let deadline = Instant::now() + patience;
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProcessError::Missing,
        _ => ProcessError::Start(error),
    })?;
    let printed = converse(&mut child, Zeroizing::new(input.to_owned()));
    let stdout = match printed.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(stdout) if stdout.len() <= MOST => stdout,
        Ok(_) => return Err(end(&mut child, ProcessError::Large)),
        Err(_) => return Err(end(&mut child, ProcessError::Slow)),
    };
    // It closed its output: it has ended or is about to.
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Answer { status: status.code(), stdout }),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            Ok(None) => return Err(end(&mut child, ProcessError::Slow)),
            Err(error) => return Err(end(&mut child, ProcessError::Start(error))),
        }
    }
}

/// Writes and reads on threads of their own. Neither is waited for: a program that is ended may leave children behind that
/// keep the pipes open.
fn converse(child: &mut Child, input: Zeroizing<String>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input closes the pipe, which is its right.
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            // Room for all of it: a buffer that grows leaves copies behind that nobody wipes.
            let mut printed = Zeroizing::new(Vec::with_capacity(MOST + 1));
            let _ = stdout.take(MOST as u64 + 1).read_to_end(&mut printed);
            sender.send(printed)
        });
    }
    receiver
}

fn end(child: &mut Child, error: ProcessError) -> ProcessError {
    let _ = child.kill();
    let _ = child.wait();
    error
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, input: &str) -> Result<Answer, ProcessError> {
        run_within(Duration::from_secs(2), "sh", &["-c", script], &[("GIVEN", "x y")], input)
    }

    #[test]
    fn input_output_status_and_environment() {
        let answer = sh("read line; echo \"$line $GIVEN\"; echo no >&2; exit 3", "hello\n").unwrap();
        assert_eq!((answer.status, answer.text()), (Some(3), Some("hello x y\n")));
        assert!(!answer.is_success());
        let deaf = sh("exec 0<&-; echo done", &"x".repeat(1 << 20)).unwrap();
        assert_eq!(deaf.text(), Some("done\n"));
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let began = Instant::now();
        assert!(matches!(sh("sleep 60 & sleep 60", ""), Err(ProcessError::Slow)));
        assert!(matches!(sh("exec >&-; sleep 60", ""), Err(ProcessError::Slow)));
        assert!(matches!(sh("yes", ""), Err(ProcessError::Large)));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let missing = run("docker-credential-no-such-program", &["get"], &[], "");
        assert!(matches!(missing, Err(ProcessError::Missing)));
    }
}
