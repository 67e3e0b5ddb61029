//! The documentation of commands, compared with real servers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use redis::Value;
use redislings::redis_prompt::CommandDocs;
use redislings::server::{Client, Server, Source};

use crate::support::redis_server::{of_several_versions, program};

const LIMIT: Duration = Duration::from_secs(10);

fn started(program: std::path::PathBuf) -> Server {
    Server::start(&Source::Process { program, bundled: false }, &[]).unwrap()
}

/// The arguments of a command as `help` shows them.
fn syntax(docs: &CommandDocs, name: &str) -> String {
    let help = docs.help(&name.split(' ').collect::<Vec<_>>());
    let line = help.lines().next().unwrap().trim_start();
    line.strip_prefix(name).unwrap_or_else(|| panic!("{name}: {help}")).trim().to_owned()
}

/// The smallest number of arguments that this syntax allows.
fn fewest_arguments(syntax: &str) -> usize {
    let mut depth = 0;
    let mut kept = String::new();
    for sign in syntax.chars() {
        depth += i32::from(sign == '[') - i32::from(sign == ']');
        if depth == 0 && sign != ']' {
            kept.push(sign);
        }
    }
    let mut count = 0;
    while let Some((before, rest)) = kept.clone().split_once('<') {
        let (choices, behind) = rest.split_once('>').unwrap();
        let lengths = choices.split('|').map(|choice| choice.split_whitespace().count());
        count += lengths.min().unwrap();
        kept = format!("{before} {behind}");
    }
    count + kept.split_whitespace().count()
}

/// Name and arity of every command of a server.
fn commands(server: &mut Server) -> Vec<(String, i64)> {
    let Value::Array(all) = server.client().call(&["COMMAND"], LIMIT).unwrap() else { panic!() };
    all.iter().map(name_and_arity).collect()
}

fn name_and_arity(command: &Value) -> (String, i64) {
    if let Value::Array(items) = command
        && let [Value::BulkString(name), Value::Int(arity), ..] = items.as_slice()
    {
        return (String::from_utf8(name.clone()).unwrap().to_uppercase(), *arity);
    }
    panic!("{command:?}")
}

/// The package with Redis 6.2 exists for this platform only.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_table_matches_a_real_redis_6_2() {
    let (_, program) =
        of_several_versions().into_iter().find(|(name, _)| name == "redis 6.2").unwrap();
    let mut server = started(program);
    assert!(server.version().starts_with("redis 6.2."), "{}", server.version());
    let table = CommandDocs::of_the_server(server.client(), LIMIT);
    // `HOST:` and `POST` only detect HTTP clients. QUIT is handled before the command lookup.
    let real = commands(&mut server);
    let real: Vec<(String, i64)> =
        real.into_iter().filter(|(name, _)| name != "HOST:" && name != "POST").collect();
    let mut names: BTreeSet<&str> = real.iter().map(|(name, _)| name.as_str()).collect();
    names.insert("QUIT");
    let known: BTreeSet<&str> = table.names().filter(|name| !name.contains(' ')).collect();
    assert_eq!(known, names);
    for (name, arity) in &real {
        if !table.names().any(|known| known.starts_with(&format!("{name} "))) {
            let documented = fewest_arguments(&syntax(&table, name)) + 1;
            let real = usize::try_from(arity.abs()).unwrap();
            // Some accept fewer words than they need to do anything: GEOHASH without a member.
            let fits = if *arity < 0 { documented >= real } else { documented == real };
            assert!(fits, "{name} {}: {arity}", syntax(&table, name));
        }
    }
}

/// The uppercase words in the syntax of a command.
fn tokens(docs: &CommandDocs, name: &str) -> BTreeSet<String> {
    let syntax = syntax(docs, name);
    let words = syntax.split(|c: char| "[]<>| ".contains(c));
    words.filter(|word| word.contains(char::is_uppercase)).map(str::to_owned).collect()
}

#[test]
fn the_table_has_no_word_unknown_to_newer_servers() {
    let newer = of_several_versions().into_iter().filter(|(name, _)| !name.starts_with("redis 6"));
    for (server, program) in newer {
        let docs = CommandDocs::of_the_server(started(program).client(), LIMIT);
        assert!(docs.names().count() > CommandDocs::table().names().count(), "{server}");
        let known: BTreeSet<&str> = docs.names().collect();
        for name in CommandDocs::table().names().filter(|name| known.contains(name)) {
            let (old, new) = (tokens(CommandDocs::table(), name), tokens(&docs, name));
            assert!(old.is_subset(&new), "{server}, {name}: {old:?} and {new:?}");
        }
    }
}

#[test]
fn command_docs_are_the_same_in_both_protocols() {
    let mut server = started(program());
    let docs = CommandDocs::of_the_server(server.client(), LIMIT);
    assert!(
        syntax(&docs, "SET").starts_with("key value [NX|XX] [GET] [EX seconds|PX milliseconds|")
    );
    assert!(
        syntax(&docs, "BGSAVE") == "[SCHEDULE]"
            && syntax(&docs, "CONFIG GET").contains("parameter")
    );
    let mut target = server.checker_target();
    let settings = target.redis_settings().clone().set_protocol(redis::ProtocolVersion::RESP3);
    target = target.set_redis_settings(settings);
    let of_resp3 = CommandDocs::of_the_server(&mut Client::new(target), LIMIT);
    assert_eq!(of_resp3.names().collect::<Vec<_>>(), docs.names().collect::<Vec<_>>());
    for name in docs.names() {
        let words: Vec<&str> = name.split(' ').collect();
        assert_eq!(of_resp3.help(&words), docs.help(&words), "{name}");
    }
}

#[test]
fn command_docs_are_read_within_a_second() {
    let mut server = started(program());
    let mut times = Vec::new();
    // Machines are noisy: one of three must be in time.
    for _ in 0..3 {
        let began = Instant::now();
        let docs = CommandDocs::of_the_server(server.client(), LIMIT);
        assert!(docs.names().count() > 300);
        times.push(began.elapsed());
    }
    assert!(times.iter().any(|took| *took < Duration::from_secs(1)), "{times:?}");
}

#[test]
fn a_server_that_refuses_command_docs_gets_the_table() {
    let mut server = started(program());
    server.client().call(&["ACL", "SETUSER", "ann", "on", "nopass", "+ping"], LIMIT).unwrap();
    let mut target = server.target();
    let settings = target.redis_settings().clone().set_username("ann").set_password("any");
    target = target.set_redis_settings(settings);
    let docs = CommandDocs::of_the_server(&mut Client::new(target), LIMIT);
    assert_eq!(docs.help(&["GET"]), CommandDocs::table().help(&["GET"]));
}
