use super::*;
use crate::relay::{CommandOutcome, Timeline, decode};

/// Command lines and raw replies through one connection, in this order.
fn timeline(traffic: &[(&str, &str)]) -> Timeline {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    for (command, reply) in traffic {
        recorder.commands(id, &resp(command));
        recorder.replies(id, reply.as_bytes());
    }
    decode::timeline(&recorder)
}

fn resp(line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let text = words
        .iter()
        .map(|word| format!("${}\r\n{word}\r\n", word.len()))
        .collect::<Vec<_>>()
        .concat();
    if words.is_empty() { Vec::new() } else { format!("*{}\r\n{text}", words.len()).into_bytes() }
}

/// `SET k v → OK`, one line each.
fn lines(timeline: &Timeline) -> Vec<String> {
    let line = |exchange: &crate::relay::Exchange| {
        let words = exchange.words.iter().map(|word| String::from_utf8_lossy(word));
        let words = words.collect::<Vec<_>>().join(" ");
        let reply = exchange.reply.as_ref();
        let reply =
            reply.map_or("-".to_owned(), |reply| crate::redis_cli::reply::format(&reply.value));
        format!("{words} → {reply}")
    };
    timeline.exchanges.iter().map(line).collect()
}

fn outcomes(timeline: &Timeline) -> Vec<CommandOutcome> {
    timeline.exchanges.iter().map(|exchange| exchange.outcome).collect()
}

#[test]
fn a_command_stands_beside_its_reply() {
    let seen = timeline(&[("SET k v", "+OK\r\n"), ("GET k", "$1\r\nv\r\n")]);
    assert_eq!(lines(&seen), ["SET k v → OK", "GET k → \"v\""]);
}

#[test]
fn pipelined_commands_are_matched_in_order() {
    let seen =
        timeline(&[("SET k v", ""), ("INCR k", ""), ("PING", "+OK\r\n-ERR no\r\n+PONG\r\n")]);
    assert_eq!(lines(&seen), ["SET k v → OK", "INCR k → (error) ERR no", "PING → PONG"]);
    assert_eq!(
        outcomes(&seen),
        [CommandOutcome::Done, CommandOutcome::Refused, CommandOutcome::Done]
    );
}

#[test]
fn a_command_without_a_reply_is_unknown() {
    let seen = timeline(&[("BLPOP k 0", "")]);
    assert_eq!(lines(&seen), ["BLPOP k 0 → -"]);
    assert_eq!(outcomes(&seen), [CommandOutcome::Unknown]);
}

#[test]
fn a_typed_line_is_a_command() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    recorder.commands(id, b"\r\nSET k \"a b\"\r\n");
    recorder.replies(id, b"+OK\r\n");
    assert_eq!(lines(&decode::timeline(&recorder)), ["SET k a b → OK"]);
}

#[test]
fn messages_of_a_subscription_are_no_replies() {
    let seen = timeline(&[
        (
            "SUBSCRIBE a b",
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n",
        ),
        ("PING", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
    ]);
    assert_eq!(seen.exchanges.len(), 2);
    assert!(lines(&seen)[1].contains("pong"), "{:?}", lines(&seen));
}

/// A message as a server sends it: an array in RESP2, a push in RESP3.
fn pushed(sign: char, words: &[&str]) -> String {
    let array = String::from_utf8(resp(&words.join(" "))).unwrap();
    format!("{sign}{}", &array[1..])
}

#[test]
fn messages_are_kept_in_either_protocol() {
    for sign in ['*', '>'] {
        let plain = pushed(sign, &["message", "orders", "paid"]);
        let by_pattern = pushed(sign, &["pmessage", "or*", "orders", "sent"]);
        let confirmed = format!("{sign}3\r\n$9\r\nsubscribe\r\n$6\r\norders\r\n:1\r\n");
        let seen = timeline(&[("SUBSCRIBE orders", &(confirmed + &plain + &by_pattern))]);
        let [plain, by_pattern] = &seen.messages[..] else { panic!("{:?}", seen.messages) };
        assert_eq!((&plain.channel[..], &plain.payload[..]), (&b"orders"[..], &b"paid"[..]));
        assert_eq!((&plain.pattern, plain.connection), (&None, 1));
        assert_eq!(by_pattern.pattern.as_deref(), Some(&b"or*"[..]));
        assert_eq!(
            (&by_pattern.channel[..], &by_pattern.payload[..]),
            (&b"orders"[..], &b"sent"[..])
        );
    }
}

#[test]
fn of_very_many_messages_the_first_are_kept_and_the_rest_counted() {
    let message = pushed('*', &["message", "a", "b"]);
    let confirmed = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n".to_owned();
    let seen = timeline(&[("SUBSCRIBE a", &(confirmed + &message.repeat(RETAINED + 7)))]);
    assert_eq!((seen.messages.len(), seen.messages_left_out), (RETAINED, 7));
}

#[test]
fn a_reply_that_reads_like_a_message_is_a_reply_where_nothing_is_subscribed_to() {
    let list = pushed('*', &["message", "a", "b"]);
    let seen = timeline(&[("LRANGE list 0 -1", &list)]);
    assert_eq!((seen.messages.len(), seen.exchanges[0].reply.is_some()), (0, true));
}

#[test]
fn pushes_of_resp3_are_no_replies() {
    let seen = timeline(&[
        ("SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
        ("GET k", ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n$1\r\nv\r\n"),
    ]);
    assert_eq!(lines(&seen)[1], "GET k → \"v\"");
}

#[test]
fn a_refused_subscription_does_not_shift_the_replies() {
    let seen = timeline(&[("SUBSCRIBE a", "-NOPERM no\r\n"), ("PING", "+PONG\r\n")]);
    assert_eq!(lines(&seen), ["SUBSCRIBE a → (error) NOPERM no", "PING → PONG"]);
}

#[test]
fn a_line_of_monitor_is_no_reply() {
    let seen = timeline(&[("MONITOR", "+OK\r\n"), ("PING", "+1795.1 [0 x] \"PING\"\r\n+PONG\r\n")]);
    assert_eq!(lines(&seen), ["MONITOR → OK", "PING → PONG"]);
}

#[test]
fn client_reply_takes_replies_away_and_gives_them_back() {
    let seen = timeline(&[
        ("CLIENT REPLY SKIP", ""),
        ("SET a 1", ""),
        ("GET a", "$1\r\n1\r\n"),
        ("CLIENT REPLY OFF", ""),
        ("SET a 2", ""),
        ("CLIENT REPLY ON", "+OK\r\n"),
        ("GET a", "$1\r\n2\r\n"),
    ]);
    let lines = lines(&seen);
    assert_eq!(
        (&*lines[2], &*lines[5], &*lines[6]),
        ("GET a → \"1\"", "CLIENT REPLY ON → OK", "GET a → \"2\"")
    );
}

#[test]
fn quotes_and_blanks_belong_to_the_argument() {
    for argument in ["\"SKIP\"", "'SKIP'", "SKIP "] {
        let mut recorder = Recorder::default();
        let id = recorder.open(None);
        let length = argument.len();
        let skip = format!("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n${length}\r\n{argument}\r\n");
        recorder.commands(id, skip.as_bytes());
        recorder.replies(id, b"-ERR syntax error\r\n");
        recorder.commands(id, &resp("SAVE"));
        recorder.replies(id, b"+OK\r\n");
        let outcomes = outcomes(&decode::timeline(&recorder));
        assert_eq!(outcomes, [CommandOutcome::Refused, CommandOutcome::Done], "{argument}");
    }
}

#[test]
fn what_multi_queued_gets_execs_outcome() {
    let seen = timeline(&[
        ("MULTI", "+OK\r\n"),
        ("SET k v", "+QUEUED\r\n"),
        ("INCR k", "+QUEUED\r\n"),
        ("EXEC", "*2\r\n+OK\r\n-ERR value is not an integer or out of range\r\n"),
    ]);
    assert_eq!(
        outcomes(&seen),
        [CommandOutcome::Done, CommandOutcome::Done, CommandOutcome::Refused, CommandOutcome::Done]
    );
}

#[test]
fn what_multi_queued_and_exec_did_not_run_is_not_run() {
    let seen = timeline(&[
        ("MULTI", "+OK\r\n"),
        ("SET k v", "+QUEUED\r\n"),
        ("SAVE", "-ERR Command not allowed inside a transaction\r\n"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"),
    ]);
    assert_eq!(
        outcomes(&seen),
        [
            CommandOutcome::Done,
            CommandOutcome::NotRun,
            CommandOutcome::Refused,
            CommandOutcome::Refused
        ]
    );
    let open = timeline(&[("MULTI", "+OK\r\n"), ("SET k v", "+QUEUED\r\n")]);
    assert_eq!(outcomes(&open), [CommandOutcome::Done, CommandOutcome::NotRun]);
}

#[test]
fn an_error_that_comes_before_the_command_is_its_reply() {
    let seen = timeline(&[("", "-ERR max number of clients reached\r\n"), ("PING", "")]);
    assert_eq!(lines(&seen), ["PING → (error) ERR max number of clients reached"]);
}

#[test]
fn passwords_are_hidden() {
    let seen = timeline(&[
        ("AUTH me secret", "+OK\r\n"),
        ("HELLO 3 AUTH me secret", "+OK\r\n"),
        ("CONFIG SET requirepass secret", "+OK\r\n"),
        ("ACL SETUSER me on >secret ~*", "+OK\r\n"),
    ]);
    assert!(lines(&seen).iter().all(|line| !line.contains("secret")), "{:?}", lines(&seen));
    assert!(lines(&seen)[3].contains("~*"));
}

#[test]
fn a_new_recording_drops_earlier_commands_but_still_matches_their_replies() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    recorder.commands(id, &resp("GET old"));
    recorder.begin();
    recorder.commands(id, &resp("GET new"));
    recorder.replies(id, b"$3\r\nold\r\n$3\r\nnew\r\n");
    assert_eq!(lines(&decode::timeline(&recorder)), ["GET new → \"new\""]);
}

#[test]
fn of_very_many_commands_the_first_the_last_and_the_saves_are_kept() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    for number in 0..30_000 {
        let command = if number == 15_000 { "SAVE".to_owned() } else { format!("SET k {number}") };
        recorder.commands(id, &resp(&command));
        recorder.replies(id, b"+OK\r\n");
    }
    let seen = decode::timeline(&recorder);
    assert_eq!(seen.exchanges.len() as u64 + seen.left_out, 30_000);
    let lines = lines(&seen);
    assert!(lines.contains(&"SAVE → OK".to_owned()));
    assert_eq!((&*lines[0], lines.last().unwrap().as_str()), ("SET k 0 → OK", "SET k 29999 → OK"));
}

#[test]
fn bytes_that_are_not_resp_end_the_parsing_and_nothing_else() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    recorder.commands(id, &resp("PING"));
    recorder.replies(id, b"\0\0\0");
    recorder.replies(id, b"\r\n+PONG\r\n");
    let seen = decode::timeline(&recorder);
    assert!(seen.exchanges[0].reply.is_none() && seen.exchanges.len() == 1);
}

/// A server that requires a password; bytes pass in pieces of this size.
struct Protected {
    recorder: Recorder,
    id: u64,
    piece: usize,
}

impl Protected {
    fn new(piece: usize) -> Self {
        let mut recorder = Recorder::default();
        let id = recorder.open(Some(b"AUTH pw\r\n".as_slice().into()));
        Self { recorder, id, piece }
    }

    fn passes(
        &mut self,
        bytes: &str,
        on: for<'b> fn(&mut Recorder, u64, &'b [u8]) -> Cow<'b, [u8]>,
    ) -> String {
        let pieces = bytes.as_bytes().chunks(self.piece);
        let passed = pieces.map(|piece| on(&mut self.recorder, self.id, piece).into_owned());
        String::from_utf8(passed.collect::<Vec<_>>().concat()).unwrap()
    }
}

#[test]
fn the_reply_to_the_relays_own_auth_reaches_no_client() {
    for piece in 1..30 {
        let mut server = Protected::new(piece);
        assert_eq!(server.passes("PING\r\n", Recorder::commands), "PING\r\n");
        assert_eq!(server.passes("+OK\r\n+PONG\r\n", Recorder::replies), "+PONG\r\n", "{piece}");
        assert_eq!(lines(&decode::timeline(&server.recorder)), ["PING → PONG"]);
    }
}

#[test]
fn a_reply_is_passed_on_when_it_is_whole() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    let mut passes = |bytes: &str| {
        String::from_utf8(recorder.replies(id, bytes.as_bytes()).into_owned()).unwrap()
    };
    assert_eq!(passes("+OK\r\n$4\r\nte"), "+OK\r\n");
    assert_eq!(passes("xt\r"), "");
    assert_eq!(passes("\n:1"), "$4\r\ntext\r\n");
    assert_eq!(recorder.rest_of_replies(id), b":1");
}

#[test]
fn a_very_long_reply_is_passed_on_in_parts() {
    let mut recorder = Recorder::default();
    let id = recorder.open(None);
    let piece = vec![b'x'; 512 * 1024];
    let mut passes = |bytes: &[u8]| recorder.replies(id, bytes).len();
    assert_eq!(passes(b"$2097152\r\n"), 0);
    assert_eq!((passes(&piece), passes(&piece)), (0, b"$2097152\r\n".len() + 2 * piece.len()));
    assert_eq!((passes(&piece), passes(&piece), passes(b"\r\n")), (0, 0, 2 * piece.len() + 2));
}

#[test]
fn after_reset_the_relay_sends_auth_again() {
    for piece in 1..60 {
        let mut server = Protected::new(piece);
        let sent = "PING\r\n*1\r\n$5\r\nreset\r\nDBSIZE\r\n";
        let passed = "PING\r\n*1\r\n$5\r\nreset\r\nAUTH pw\r\nDBSIZE\r\n";
        assert_eq!(server.passes(sent, Recorder::commands), passed, "{piece}");
        let replies = "+OK\r\n+PONG\r\n+RESET\r\n+OK\r\n:0\r\n";
        assert_eq!(
            server.passes(replies, Recorder::replies),
            "+PONG\r\n+RESET\r\n:0\r\n",
            "{piece}"
        );
        let seen = lines(&decode::timeline(&server.recorder));
        assert_eq!(seen, ["PING → PONG", "reset → RESET", "DBSIZE → (integer) 0"]);
    }
}

#[test]
fn after_a_change_of_the_password_the_clients_commands_are_refused() {
    let mut server = Protected::new(100);
    server.passes("PING\r\n", Recorder::commands);
    let replies = "-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n";
    assert_eq!(server.passes(replies, Recorder::replies), "-NOAUTH Authentication required.\r\n");
}

#[test]
fn what_a_server_says_before_it_closes_the_connection_reaches_the_client() {
    let mut server = Protected::new(100);
    server.passes("PING\r\n", Recorder::commands);
    let said = "-ERR max number of clients reached\r\n";
    assert_eq!(server.passes(said, Recorder::replies), said);
}

#[test]
fn too_many_commands_without_replies_are_not_followed_whoever_sends_them() {
    let mut recorder = Recorder::default();
    let connections: Vec<u64> = (0..4).map(|_| recorder.open(None)).collect();
    let pings = "PING\r\n".repeat(WAITING / 4 + 1);
    for id in &connections[..3] {
        recorder.commands(*id, pings.as_bytes());
    }
    assert!(!recorder.recording.known.is_incomplete);
    recorder.commands(connections[3], pings.as_bytes());
    assert!(recorder.recording.known.is_incomplete);
    for id in connections {
        recorder.close(id);
    }
    assert_eq!((recorder.waiting.commands, recorder.waiting.bytes), (0, 0));
}
