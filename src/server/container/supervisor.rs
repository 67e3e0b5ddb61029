//! The connection to the script that runs the servers of a host: one request at a time, each with
//! a deadline.

use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::engine::{ask, client, engine_version};
use crate::cleanup::{self, lock};
use crate::error::with_sources;
use crate::runtime::block_on;

const SCRIPT: &str = include_str!("supervisor.sh");
/// A busy machine was seen to start no process for 25 s.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// A reply may contain a snapshot file.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The supervisor of one host: the connection, or why it was closed. Its script ends the container
/// when this is dropped or redislings is killed.
#[derive(Debug)]
pub(super) struct Supervisor(Mutex<Result<SupervisorConnection, String>>);

struct SupervisorConnection {
    /// Marks the end of a reply; no server and no log can know it.
    secret: String,
    requests: u64,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
}

impl fmt::Debug for SupervisorConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// The output of a request, or why the script could not run it.
type SupervisorReply = Result<Vec<u8>, String>;

impl Supervisor {
    /// Starts the script in this container.
    pub(super) fn start(container: &str) -> Result<Self, String> {
        let docker = client()?;
        let exec = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(vec!["sh", "-c", SCRIPT, "supervisor"]),
            ..CreateExecOptions::default()
        };
        let id = ask(docker.create_exec(container, exec))?.id;
        let options =
            StartExecOptions { output_capacity: Some(OUTPUT_BYTES), ..StartExecOptions::default() };
        match ask(docker.start_exec(&id, Some(options)))? {
            StartExecResults::Attached { output, input } => {
                let secret = crate::random::word();
                let connection = SupervisorConnection { secret, requests: 0, input, output };
                Ok(Self(Mutex::new(Ok(connection))))
            }
            StartExecResults::Detached => Err("the supervisor is not attached".to_owned()),
        }
    }

    /// Calls a function of the script; `payload` is its input.
    pub(super) fn call(&self, words: &[&str], payload: &[u8]) -> SupervisorReply {
        let mut line = lock(&self.0);
        let call = line.as_mut().map_err(|why| why.clone())?.call(words, payload);
        let answer = block_on(async { tokio::time::timeout(REQUEST_DEADLINE, call).await });
        let answer = answer.unwrap_or_else(|_elapsed| {
            Err(format!("no answer within {} s", REQUEST_DEADLINE.as_secs()))
        });
        answer.unwrap_or_else(|why| {
            // If a signal has ended the host, that is not an error.
            cleanup::stop_if_a_signal_came();
            // Note whether the engine still answers, so that later calls need not wait long.
            let _ = engine_version();
            // A late reply must not be taken for the reply to another request.
            *line = Err(why.clone());
            Err(why)
        })
    }

    /// Whether it still accepts requests, as far as we know.
    pub(super) fn is_reachable(&self) -> bool {
        lock(&self.0).is_ok()
    }
}

impl SupervisorConnection {
    async fn call(&mut self, words: &[&str], payload: &[u8]) -> Result<SupervisorReply, String> {
        self.requests += 1;
        let mark = format!("{}-{}", self.secret, self.requests);
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        self.send(format!("{mark} {}\n", words.join(" ")).as_bytes(), payload)
            .await
            .map_err(|error| format!("cannot send to its supervisor: {error}"))?;
        self.reply(&mark).await
    }

    async fn send(&mut self, request: &[u8], payload: &[u8]) -> std::io::Result<()> {
        self.input.write_all(request).await?;
        self.input.write_all(payload).await?;
        self.input.flush().await
    }

    async fn reply(&mut self, mark: &str) -> Result<SupervisorReply, String> {
        let (mut printed, mut errors) = (Vec::new(), Vec::new());
        loop {
            if let Some(status) = take_end(&mut printed, mark) {
                let errors = String::from_utf8_lossy(&errors).trim().to_owned();
                return Ok(if status == "0" {
                    Ok(printed)
                } else {
                    Err(format!("the supervisor failed ({status}): {errors}"))
                });
            }
            match self.output.next().await {
                Some(Ok(LogOutput::StdErr { message })) => errors.extend_from_slice(&message),
                Some(Ok(output)) => printed.extend_from_slice(&output.into_bytes()),
                Some(Err(error)) => return Err(with_sources(&error)),
                None => return Err("the supervisor has ended".to_owned()),
            }
        }
    }
}

/// Removes the reply's last line and returns the exit status in it; `None` if the reply is not
/// complete.
fn take_end(printed: &mut Vec<u8>, mark: &str) -> Option<String> {
    let whole = printed.strip_suffix(b"\n")?;
    let start = whole.iter().rposition(|&byte| byte == b'\n')?;
    let last = std::str::from_utf8(&whole[start + 1..]).ok()?;
    let status = last.strip_prefix(mark)?.strip_prefix(' ')?.to_owned();
    printed.truncate(start);
    Some(status)
}

/// Quotes a word for `sh`, on one line.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('\n', r#"'"$newline"'"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_sh_reads(word: &str) -> String {
        let script = r#"newline='
'
IFS= read -r request; eval "set -- $request"; printf %s "$1""#;
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, format!("{}\n", quoted(word)).as_bytes()).unwrap();
        drop(input);
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn any_word_reaches_the_script_unchanged() {
        for word in [
            "",
            "a b",
            "it's",
            "\"$HOME\" `id` \\n \\",
            "a\n\nb\n",
            "Á — 名",
            "-n",
            "*",
            "~#!&;|<>()",
        ] {
            assert_eq!(as_sh_reads(word), word);
        }
    }

    #[test]
    fn a_reply_ends_with_its_own_mark_only() {
        let end = |text: &str| {
            let mut printed = text.as_bytes().to_vec();
            (take_end(&mut printed, "m-2"), String::from_utf8(printed).unwrap())
        };
        assert_eq!(end("a\nb\nm-2 0\n"), (Some("0".into()), "a\nb".into()));
        assert_eq!(end("\nm-2 137\n"), (Some("137".into()), String::new()));
        assert_eq!(end("a\nm-1 0\n").0, None);
        assert_eq!(end("a\nm-2 0").0, None);
        assert_eq!(end("am-2 0\n").0, None);
    }
}
