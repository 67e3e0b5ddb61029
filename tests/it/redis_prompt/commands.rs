//! What is known of commands, compared with real servers.

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

/// The arguments of a command as help writes them.
fn syntax(docs: &CommandDocs, name: &str) -> String {
    let help = docs.help(&name.split(' ').collect::<Vec<_>>());
    let line = help.lines().next().unwrap().trim_start();
    line.strip_prefix(name).unwrap_or_else(|| panic!("{name}: {help}")).trim().to_owned()
}

/// How few words may stand there.
fn fewest(syntax: &str) -> usize {
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
        count += choices.split('|').map(|it| it.split_whitespace().count()).min().unwrap();
        kept = format!("{before} {behind}");
    }
    count + kept.split_whitespace().count()
}

/// Name and arity of every command of a server.
fn commands(server: &mut Server) -> Vec<(String, i64)> {
    let Value::Array(all) = server.client().call(&["COMMAND"], LIMIT).unwrap() else { panic!() };
    let command = |value: &Value| match value {
        Value::Array(items) => match items.as_slice() {
            [Value::BulkString(name), Value::Int(arity), ..] => {
                (String::from_utf8(name.clone()).unwrap().to_uppercase(), *arity)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    all.iter().map(command).collect()
}

/// There is a package with it for this platform alone.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_table_is_what_a_real_redis_6_2_has() {
    let (_, program) = of_several_versions().into_iter().find(|it| it.0 == "redis 6.2").unwrap();
    let mut server = started(program);
    assert!(server.version().starts_with("redis 6.2."), "{}", server.version());
    let table = CommandDocs::of_the_server(server.client(), LIMIT);
    // Not commands, but traps for HTTP; and one that is handled before commands are looked up.
    let real = commands(&mut server);
    let real: Vec<_> = real.into_iter().filter(|it| it.0 != "HOST:" && it.0 != "POST").collect();
    let mut names: BTreeSet<&str> = real.iter().map(|it| it.0.as_str()).collect();
    names.insert("QUIT");
    let known: BTreeSet<&str> = table.names().filter(|name| !name.contains(' ')).collect();
    assert_eq!(known, names);
    for (name, arity) in &real {
        if !table.names().any(|it| it.starts_with(&format!("{name} "))) {
            let (told, real) =
                (fewest(&syntax(&table, name)) + 1, usize::try_from(arity.abs()).unwrap());
            // Some do nothing with the fewest words that they take: GEOHASH without a member.
            let fits = if *arity < 0 { told >= real } else { told == real };
            assert!(fits, "{name} {}: {arity}", syntax(&table, name));
        }
    }
}

#[test]
fn the_table_has_no_word_that_a_newer_server_does_not_know() {
    let tokens = |docs: &CommandDocs, name: &str| -> BTreeSet<String> {
        let syntax = syntax(docs, name);
        let words = syntax.split(|it: char| "[]<>| ".contains(it));
        words.filter(|it| it.contains(char::is_uppercase)).map(str::to_owned).collect()
    };
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
fn a_server_tells_about_its_commands_in_both_protocols() {
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
fn what_a_server_tells_is_read_before_anybody_has_typed_a_word() {
    let mut server = started(program());
    let mut reads = || {
        let began = Instant::now();
        let docs = CommandDocs::of_the_server(server.client(), LIMIT);
        assert!(docs.names().count() > 300);
        began.elapsed()
    };
    // Machines are noisy: one of three must be in time.
    let times: Vec<Duration> = (0..3).map(|_| reads()).collect();
    assert!(times.iter().any(|took| *took < Duration::from_secs(1)), "{times:?}");
}

#[test]
fn a_server_that_refuses_to_tell_has_the_table() {
    let mut server = started(program());
    server.client().call(&["ACL", "SETUSER", "ann", "on", "nopass", "+ping"], LIMIT).unwrap();
    let mut target = server.target();
    let settings = target.redis_settings().clone().set_username("ann").set_password("any");
    target = target.set_redis_settings(settings);
    let docs = CommandDocs::of_the_server(&mut Client::new(target), LIMIT);
    assert_eq!(docs.help(&["GET"]), CommandDocs::table().help(&["GET"]));
}
