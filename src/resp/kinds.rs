//! What a frame is, by its first bytes.

/// Whether a command may get no reply or several, or changes which replies follow.
pub fn changes_the_connection(name: &[u8]) -> bool {
    let others = ["RESET", "CLIENT", "MONITOR", "SYNC", "PSYNC"];
    subscribes(name) || others.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether it is SUBSCRIBE, UNSUBSCRIBE or one of their kinds.
pub fn subscribes(name: &[u8]) -> bool {
    name.last_chunk::<9>().is_some_and(|end| end.eq_ignore_ascii_case(b"SUBSCRIBE"))
}

/// A command's name as the client wrote it; empty if there is none.
pub fn name(command: &[u8]) -> &[u8] {
    words(command).next().unwrap_or_default()
}

/// The strings of an array of bulk strings without line breaks, or the words of an inline command.
fn words(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    // After the number of elements, each string is a line with its length and a line with its text.
    let is_array = matches!(frame.first(), Some(b'*' | b'>'));
    let (skipped, step) = if is_array { (2, 2) } else { (0, 1) };
    let parts =
        frame.split(move |&byte| byte == b'\n' || (!is_array && byte.is_ascii_whitespace()));
    let parts = parts.filter(move |part| is_array || !part.is_empty()).skip(skipped);
    parts.step_by(step).map(|part| part.strip_suffix(b"\r").unwrap_or(part))
}

pub fn is_error(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(b'-' | b'!'))
}

/// Whether this is a reply to AUTH. Any other first reply is about the connection, such as `max
/// number of clients reached`, and the client must see it. If the answer changed the password, AUTH
/// fails and the server refuses the client's commands, as it would without the relay.
pub fn answers_auth(reply: &[u8]) -> bool {
    [&b"+OK"[..], b"-WRONGPASS", b"-ERR AUTH"].iter().any(|start| reply.starts_with(start))
}

/// RESP3's out-of-band messages.
pub fn is_push(frame: &[u8]) -> bool {
    frame.first() == Some(&b'>')
}

/// Whether this is a pub/sub message of RESP2, where such messages are ordinary arrays.
pub fn is_pubsub(frame: &[u8]) -> bool {
    confirms_subscription(frame) || is_message(frame)
}

/// Whether this is a message to a subscriber, of either version.
pub fn is_message(frame: &[u8]) -> bool {
    let [kind, ..] = first_words(frame);
    ["message", "pmessage", "smessage"].contains(&kind)
}

pub fn confirms_subscription(frame: &[u8]) -> bool {
    let [kind, ..] = first_words(frame);
    let before = kind.strip_suffix("subscribe");
    before.is_some_and(|before| ["", "un", "p", "pun", "s", "sun"].contains(&before))
}

/// Whether this is a line such as `+1795342630.123456 [0 127.0.0.1:53218] "SET" "a" "1"`.
pub fn is_monitor_line(frame: &[u8]) -> bool {
    frame.first() == Some(&b'+') && frame.get(1).is_some_and(u8::is_ascii_digit)
}

/// The first three strings of an array of bulk strings, or the first words of an inline command
/// without their quotes; empty where there are none.
pub fn first_words(frame: &[u8]) -> [&str; 3] {
    let is_inline = !matches!(frame.first(), Some(b'*' | b'>'));
    let mut words = words(frame).map(|word| std::str::from_utf8(word).unwrap_or_default());
    std::array::from_fn(|_| {
        let word = words.next().unwrap_or_default();
        if is_inline { word.trim_matches(['"', '\'']) } else { word }
    })
}
