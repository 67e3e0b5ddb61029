//! The prompts of redis-cli and of shells, as they are pasted along with commands.

const PROGRAMS: [&str; 2] = ["redis-cli", "valkey-cli"];

/// Splits off a prompt: `127.0.0.1:6379[1]> `, `redis> `, `> `, `$ `.
pub fn split(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("$ ") {
        return Some(("$ ", rest.trim_start()));
    }
    split_redis(line)
}

/// Splits off a prompt of redis-cli.
pub fn split_redis(line: &str) -> Option<(&str, &str)> {
    let (prompt, rest) = line.split_at(line.find('>')? + 1);
    let address = prompt.trim_end_matches('>');
    let address = address
        .strip_prefix("redis ")
        .or_else(|| address.strip_prefix("valkey "))
        .unwrap_or(address);
    let is_prompt =
        ["", "redis", "valkey", "not connected"].contains(&address) || is_address(address);
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let prompt = &line[..prompt.len() + space.len().min(1)];
    is_prompt.then(|| (prompt, rest.trim_start()))
}

/// The program of a line of a shell that asks Redis: `redis-cli GET a`.
pub fn program(line: &str) -> Option<&str> {
    line.split_whitespace().next().filter(|word| PROGRAMS.contains(word))
}

/// Whether a line of text shows a command for Redis: behind a prompt that names a server, or behind
/// `redis-cli`.
pub fn is_redis(line: &str) -> bool {
    let line = line.trim_start();
    let typed = line.strip_prefix("$ ").unwrap_or(line).trim_start();
    let has_prompt = !line.starts_with(['>', '<']) && split_redis(line).is_some();
    (has_prompt || program(typed).is_some()) && typed.contains(' ')
}

/// `127.0.0.1:6379`, `localhost:6379[1]`, `redis:6379(TX)`, `/run/redis.sock`.
fn is_address(text: &str) -> bool {
    let address = text.find(['[', '(']).map_or(text, |end| &text[..end]);
    let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
    });
    !address.contains(char::is_whitespace) && (has_port || address.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_split_off() {
        for (line, split) in [
            ("> GET a", Some(("> ", "GET a"))),
            ("redis> GET a", Some(("redis> ", "GET a"))),
            ("127.0.0.1:6379[1]> GET a", Some(("127.0.0.1:6379[1]> ", "GET a"))),
            ("redis 127.0.0.1:6379> GET a", Some(("redis 127.0.0.1:6379> ", "GET a"))),
            ("GET a", None),
            ("1) \"x:1> y\"", None),
        ] {
            assert_eq!(split_redis(line), split, "{line}");
        }
    }

    #[test]
    fn a_line_that_shows_a_command_is_known() {
        for line in ["redis> GET a", "localhost:6379> PING x", "$ redis-cli GET a"] {
            assert!(is_redis(line), "{line}");
        }
        for line in ["> quoted", "<a:1> b", "redis-cli", "a redis> b", "</a> b", "x > y"] {
            assert!(!is_redis(line), "{line}");
        }
    }
}
