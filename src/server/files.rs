//! The files in a server's own directory.

use std::fmt;

use super::{DUMP_FILE, Server};
use crate::error::EnvironmentError;

/// A file in the server's directory, or in a folder there: no name leads out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Reads `dump.rdb` or `appendonlydir/appendonly.aof.1.incr.aof`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_inside = parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        if is_inside && parts.len() <= 2 && !text.contains(|c: char| c.is_control() || c == '\\') {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is not the name of a file in the server's own directory"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it belongs to the append-only log: before Redis 7.0 that is one file, since then all
    /// files of a folder.
    pub fn is_of_the_log(&self) -> bool {
        self.0 == AOF_BEFORE_7 || self.folder() == Some(AOF_FOLDER)
    }

    /// The folder in the server's directory that holds it.
    pub fn folder(&self) -> Option<&str> {
        self.0.split_once('/').map(|(folder, _)| folder)
    }
}

/// A file that a server finds when it starts.
#[derive(Debug, Clone)]
pub struct ServerFile {
    pub name: FileName,
    pub content: Vec<u8>,
}

impl ServerFile {
    /// The server's snapshot file.
    pub fn dump(content: Vec<u8>) -> Self {
        Self { name: FileName(DUMP_FILE.to_owned()), content }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Server {
    /// The names of its files, sorted; what is being written may be among them.
    pub fn files(&self) -> Result<Vec<FileName>, EnvironmentError> {
        let names = self.host.files()?;
        let mut files: Vec<FileName> =
            names.iter().filter_map(|name| FileName::parse(name).ok()).collect();
        files.sort();
        Ok(files)
    }

    /// The content of one of its files; `None` if there is no such file.
    pub fn file(&self, name: &FileName) -> Result<Option<Vec<u8>>, EnvironmentError> {
        self.host.file(name)
    }

    /// Writes or replaces one of its files.
    pub fn put_file(&mut self, name: &FileName, content: &[u8]) -> Result<(), EnvironmentError> {
        self.host.put_file(name, content)
    }

    /// Removes one of its files, if it is there.
    pub fn remove_file(&mut self, name: &FileName) -> Result<(), EnvironmentError> {
        self.host.remove_file(name)
    }

    /// The append-only file to which it wrote last: since Redis 7.0 the last one of type `i` in the
    /// manifest, before that the only one.
    pub fn last_aof(&self) -> Result<Option<FileName>, EnvironmentError> {
        let files = self.files()?;
        let manifest = files.iter().find(|file| file.0.ends_with(".manifest"));
        let Some(manifest) = manifest else {
            return Ok(files.into_iter().find(|file| file.0 == AOF_BEFORE_7));
        };
        let text = self.file(manifest)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let folder = manifest.folder().unwrap_or_default();
        Ok(last_increment(&text).and_then(|name| FileName::parse(&format!("{folder}/{name}")).ok()))
    }
}

/// The append-only file before Redis 7.0.
const AOF_BEFORE_7: &str = "appendonly.aof";
/// Its folder since Redis 7.0: the default of `appenddirname`, which lessons can't set.
const AOF_FOLDER: &str = "appendonlydir";

/// The name in the last line of the form `file appendonly.aof.1.incr.aof seq 1 type i`.
fn last_increment(manifest: &str) -> Option<&str> {
    manifest.lines().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["file", name, "seq", _, "type", "i", ..] => Some(*name),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_directory() {
        for name in ["dump.rdb", "last-night.rdb", "appendonlydir/appendonly.aof.manifest"] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "/etc/passwd", "..", "../a", "a/..", "./a", "a//b", "a/b/c", "a\nb", "a/"]
        {
            assert!(FileName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_last_increment_of_a_manifest_is_found() {
        let manifest = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                        file appendonly.aof.1.incr.aof seq 1 type i\n\
                        file appendonly.aof.2.incr.aof seq 2 type i startoffset 7\n";
        assert_eq!(last_increment(manifest), Some("appendonly.aof.2.incr.aof"));
        assert_eq!(last_increment("file a seq 1 type b\n"), None);
    }
}
