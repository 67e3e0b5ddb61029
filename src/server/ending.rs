//! Servers that end because they are asked to, and start again.

use std::time::{Duration, Instant};

use super::{Client, POLL, Server, ServerInfo, log};
use crate::error::EnvironmentError;

/// How long a server may take to end after SIGTERM: docker and systemd kill it then, or later.
const TERM_LIMIT: Duration = Duration::from_secs(10);
/// How long the process may outlive its connections.
const PROCESS_LIMIT: Duration = Duration::from_secs(2);

/// Whether a server has ended that was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Ended,
    /// It still runs; the server's words, or what it did not do.
    Refused(String),
}

impl Server {
    /// Sends SHUTDOWN NOSAVE and waits until the server has ended, for at most `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<Ending, EnvironmentError> {
        let deadline = Instant::now() + limit;
        self.last_info = self.info(limit).ok().or(self.last_info.take());
        // A client that asks again would find nobody.
        let mut client = Client::new(self.checker_target());
        client.cancelled_by(&self.cancel);
        if let Ok(reply) = client.call(&["SHUTDOWN", "NOSAVE"], limit) {
            let words = crate::redis_cli::reply::format(&reply);
            return Ok(Ending::Refused(words.trim_start_matches("(error) ").trim().to_owned()));
        }
        self.wait_for_the_end(deadline.max(Instant::now() + PROCESS_LIMIT), |_| None)
    }

    /// Sends SIGTERM, as a service does that restarts it, and gives the server ten seconds.
    pub fn terminate(&mut self) -> Result<Ending, EnvironmentError> {
        self.last_info = self.info(PROCESS_LIMIT).ok().or(self.last_info.take());
        self.host.terminate()?;
        self.wait_for_the_end(Instant::now() + TERM_LIMIT, |server| {
            server.log().as_deref().and_then(log::refusal_to_end)
        })
    }

    /// `refusal`: why it goes on, if that is known already.
    fn wait_for_the_end(
        &mut self,
        deadline: Instant,
        refusal: impl Fn(&Self) -> Option<String>,
    ) -> Result<Ending, EnvironmentError> {
        let began = Instant::now();
        while self.ended().is_none() {
            if let Some(why) = refusal(self) {
                return Ok(Ending::Refused(why));
            }
            if Instant::now() > deadline || self.cancel.is_cancelled() {
                let seconds = began.elapsed().as_secs();
                return Ok(Ending::Refused(format!("it did not end within {seconds} s")));
            }
            std::thread::park_timeout(POLL);
        }
        // What it has left in its process group ends too, and its files are where they belong.
        self.kill()?;
        Ok(Ending::Ended)
    }

    /// Whether it does not run.
    pub fn is_down(&mut self) -> bool {
        self.ended().is_some()
    }

    /// What the server said of itself just before it was stopped the last time.
    pub fn last_info(&self) -> Option<&ServerInfo> {
        self.last_info.as_ref()
    }
}
