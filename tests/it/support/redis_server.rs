//! A real server that is not the program's: somebody's own.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use redislings::server::source::on_path;

pub struct ForeignServer {
    child: Child,
    pub port: u16,
    _folder: tempfile::TempDir,
}

impl ForeignServer {
    /// On a free port.
    pub fn start() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Self::start_on(port)
    }

    pub fn start_on(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port_text = port.to_string();
        let child = Command::new(program())
            .args(["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        super::wait_until("the foreign server listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { child, port, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// One command, its reply as redis-cli prints it.
    pub fn ask(&self, words: &[&str]) -> String {
        let target = redis::IntoConnectionInfo::into_connection_info(self.url()).unwrap();
        let mut client = redislings::server::Client::new(target);
        let value = client.call(words, std::time::Duration::from_secs(5)).unwrap();
        redislings::redis_cli::reply::format_reply_to(words, &value)
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A real server's program: the one on PATH, else the bundled one.
pub fn program() -> PathBuf {
    let on_path = on_path("redis-server").or(on_path("valkey-server"));
    on_path.unwrap_or_else(|| redislings::server::bundled::install(|_| ()).unwrap())
}
