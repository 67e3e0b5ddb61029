use super::*;

const BEGIN: &str = "import redis\nclient = redis.Redis()\n";

/// Each mutant as `change line: new lines`, where new lines are joined by `; `.
fn summaries(text: &str) -> Vec<String> {
    let mutated = mutated(&[text]).unwrap().remove(0).unwrap();
    mutated.mutants.iter().map(|mutant| summary(text, mutant)).collect()
}

fn summary(solution: &str, mutant: &super::super::Mutant) -> String {
    let old: Vec<&str> = solution.lines().map(str::trim).collect();
    let lines = mutant.text.lines().map(str::trim);
    let new: Vec<&str> = lines.filter(|line| !line.is_empty() && !old.contains(line)).collect();
    let difference = &mutant.difference;
    let (change, line) = (difference.change.word(), difference.line);
    format!("{change} {line}: {}", new.join("; ")).trim_end().to_owned()
}

/// The mutants with this change, of a program that begins with a client in lines 1 and 2.
fn summaries_of(change: &str, rest: &str) -> Vec<String> {
    let mut summaries = summaries(&format!("{BEGIN}{rest}"));
    summaries.retain(|summary| summary.starts_with(change));
    summaries
}

/// `rest` follows a client in lines 1 and 2.
#[track_caller]
pub(crate) fn assert_mutants(rest: &str, expected: &[&str]) {
    assert_eq!(summaries(&format!("{BEGIN}{rest}")), expected, "{rest}");
}

fn text_of(rest: &str, change: &str) -> String {
    let text = format!("{BEGIN}{rest}");
    let mutated = mutated(&[&text]).unwrap().remove(0).unwrap();
    let mutant =
        mutated.mutants.into_iter().find(|mutant| mutant.difference.change.word() == change);
    mutant.unwrap().text.strip_prefix(BEGIN).unwrap().to_owned()
}

#[test]
fn each_stored_value_is_changed_once() {
    for (rest, expected) in [
        ("client.set('a', 'ä')", &["other-value 3: client.set('a', ('ä' + \"-other\"))"][..]),
        ("client.set('a', 1)", &["other-value 3: client.set('a', f\"{1}-other\")"]),
        ("client.set('a', value=v)", &["other-value 3: client.set('a', value=f\"{v}-other\")"]),
        ("client.incrby('a', 2)", &[]),
        (
            "client.mset({'a': 1, 'b': x()})",
            &["other-value 3: client.mset({'a': f\"{1}-other\", 'b': x()})"],
        ),
        (
            "client.hset('h', mapping={'f': 'x'})",
            &["other-value 3: client.hset('h', mapping={'f': ('x' + \"-other\")})"],
        ),
        (
            "client.execute_command('set', 'a', b'x')",
            &["other-value 3: client.execute_command('set', 'a', (b'x' + b\"-other\"))"],
        ),
    ] {
        assert_eq!(summaries_of("other-value", &format!("{rest}\n")), expected, "{rest}");
    }
}

#[test]
fn a_waiting_loop_is_left_out_as_a_whole_and_nothing_in_it() {
    assert_mutants(
        "while client.info('persistence')['loading']:\n    print('.')\n    time.sleep(1)\n",
        &["without-waiting 3:"],
    );
    assert_mutants(
        "for _ in range(9):\n    if client.info()['x'] != 1:\n        break\n",
        &["without-waiting 3:"],
    );
    assert_mutants(
        "def wait(db):\n    while True:\n        if not db.info()['x']: break\nwait(client)\n",
        &["without-waiting 4: pass", "without-line 6:"],
    );
}

#[test]
fn a_loop_that_retries_a_save_is_not_waiting() {
    let rest = "while True:\n    try:\n        client.save()\n        break\n    \
                except Exception:\n        print(client.info())\n";
    assert!(summaries_of("without-waiting", rest).is_empty());
}

#[test]
fn the_save_comes_before_the_nearest_write_here_or_around() {
    assert_eq!(
        text_of(
            "for key in 'ab':\n    client.set(key, 1)\nprint(1)\nclient.save()  # now\n",
            "save-first"
        ),
        "client.save()\nfor key in 'ab':\n    client.set(key, 1)\nprint(1)\n  # now\n"
    );
    assert_eq!(
        text_of(
            "if 1:\n    client.set('a', 1)\n    try:\n        client.save()\n    \
             finally:\n        print(1)\n",
            "save-first"
        ),
        "if 1:\n    client.save()\n    client.set('a', 1)\n    try:\n        pass\n    \
         finally:\n        print(1)\n"
    );
    assert_eq!(
        text_of("client.set('a', 1); client.save()\n", "save-first"),
        "client.save()\nclient.set('a', 1); pass\n"
    );
}

#[test]
fn a_save_without_a_write_before_it_stays() {
    assert!(summaries_of("save-first", "client.save()\nclient.set('a', 1)\n").is_empty());
}

#[test]
fn each_key_is_changed() {
    for (rest, expected) in [
        ("client.set('ä:1', 1)", &["other-key 3: client.set(('ä:1' + \"-other\"), 1)"][..]),
        (
            "client.set(name=b'a', value=1)",
            &["other-key 3: client.set(name=(b'a' + b\"-other\"), value=1)"],
        ),
        ("client.set(f'a:{1}', 1)", &["other-key 3: client.set((f'a:{1}' + \"-other\"), 1)"]),
        ("client.set(key, 1)", &["other-key 3: client.set(f\"{key}-other\", 1)"]),
        ("client.rename('a', 'b')", &["other-key 3: client.rename('a', ('b' + \"-other\"))"]),
        (
            "client.delete('a', 'b')",
            &[
                "other-key 3: client.delete(('a' + \"-other\"), 'b')",
                "other-key 3: client.delete('a', ('b' + \"-other\"))",
            ],
        ),
        (
            "client.xgroup_create('s', 'g', mkstream=True)",
            &["other-key 3: client.xgroup_create(('s' + \"-other\"), 'g', mkstream=True)"],
        ),
        (
            "client.xreadgroup('g', 'c', {'s': '>'}, count=1)",
            &["other-key 3: client.xreadgroup('g', 'c', {('s' + \"-other\"): '>'}, count=1)"],
        ),
        (
            "client.mset({'a': 1, 'b': 2})",
            &[
                "other-key 3: client.mset({('a' + \"-other\"): 1, 'b': 2})",
                "other-key 3: client.mset({'a': 1, ('b' + \"-other\"): 2})",
            ],
        ),
        (
            "client.execute_command('set', 'a', 1)",
            &["other-key 3: client.execute_command('set', ('a' + \"-other\"), 1)"],
        ),
        (
            "client.eval('…', 1, 'a', 'b')",
            &["other-key 3: client.eval('…', 1, ('a' + \"-other\"), 'b')"],
        ),
        ("client.get('a')", &["other-key 3: client.get(('a' + \"-other\"))"]),
        ("print({}.setdefault('a', 1))", &[]),
    ] {
        assert_eq!(summaries_of("other-key", rest), expected, "{rest}");
    }
}

#[test]
fn statements_without_redis_or_print_stay() {
    assert_mutants(
        "import time\ntime.sleep(1)\ndeadline = time.monotonic()\nclient.close()\n\
         def f():\n    return 1\nf()\n",
        &[],
    );
}

#[test]
fn statements_that_later_code_needs_stay() {
    assert_mutants("before = client.info()\nassert before\n", &[]);
    assert_mutants("before = client.info()\n", &["without-line 3:"]);
    assert_mutants(
        "n = 0\nn = client.incr('a')\nif n: pass\n",
        &["without-line 4:", "other-key 4: n = client.incr(('a' + \"-other\"))"],
    );
}

#[test]
fn a_guard_that_only_ends_the_program_stays() {
    for guard in [
        "if client.info()['x'] != 'ok':\n    raise SystemExit('no')\n",
        "if client.info()['x'] != 'ok':\n    print('no')\n    sys.exit(1)\n",
    ] {
        assert_mutants(guard, &[]);
    }
    assert_mutants(
        "if client.dbsize():\n    print('yes')\n",
        &["without-line 3:", "without-line 4: pass"],
    );
}

#[test]
fn clients_are_followed_through_names_pipelines_parameters_and_functions() {
    for rest in [
        "other = client\nother.set('a', 1)\n",
        "import redis.asyncio as r\na = r.from_url('x')\nawait_ = a.set('a', 1)\n",
        "from redis import Redis as C\nC().set('a', 1)\n",
        "def make():\n    return redis.Redis()\nmake().set('a', 1)\n",
        "with client.pipeline() as p:\n    p.set('a', 1)\n",
        "def go(db, n=1):\n    db.set('a', 1)\ngo(n=2, db=client)\n",
        "class Shop:\n    def __init__(self):\n        self.db = redis.Redis()\n    \
         def go(self):\n        self.db.set('a', 1)\n",
        "client.pipeline().get('a').set('b', 1).execute()\n",
    ] {
        assert!(!summaries_of("other-key", rest).is_empty(), "{rest}");
    }
    assert_mutants("image.save()\nmodel.set('a', 1)\n", &[]);
}

#[test]
fn other_lines_stay_as_they_are_and_keep_their_numbers() {
    assert_eq!(
        text_of(
            "client.hset(\n    'ä',  # why\n    'b', 1,\n)   # so\n\nprint( 1 )\n",
            "without-line"
        ),
        "\n\n\n   # so\n\nprint( 1 )\n"
    );
}

#[test]
fn an_emptied_body_gets_a_pass() {
    assert_eq!(text_of("if 1:\n    client.save()\n", "without-line"), "if 1:\n    pass\n");
    assert_eq!(text_of("if 1: client.save()\n", "without-line"), "if 1: pass\n");
}

#[test]
fn programs_that_differ_in_layout_have_the_same_form() {
    let texts = ["a = 1\nprint(a)\n", "# b\na=1\n\nprint( a )\npass\n", "a = 2\nprint(a)\n"];
    let forms = mutated(&texts).unwrap();
    let forms: Vec<String> = forms.into_iter().map(|mutated| mutated.unwrap().form).collect();
    assert!(forms[0] == forms[1] && forms[0] != forms[2]);
}

#[test]
fn a_program_that_does_not_parse_has_no_mutants() {
    let mutated = mutated(&["print('a'", "print(1)"]).unwrap();
    assert!(mutated[0].is_none() && mutated[1].is_some());
}

#[test]
fn each_option_is_left_out_once() {
    for (rest, expected) in [
        (
            "client.set('a', 1, nx=True, ex=30)",
            &[
                "without-option 3: client.set('a', 1, ex=30)",
                "without-option 3: client.set('a', 1, nx=True)",
            ][..],
        ),
        (
            "client.restore('a', 0, value, replace=True)",
            &["without-option 3: client.restore('a', 0, value)"],
        ),
        ("client.set('a', 1, nx=False)", &[]),
        ("print('a', end='')", &[]),
    ] {
        assert_eq!(summaries_of("without-option", rest), expected, "{rest}");
    }
}

#[test]
fn each_number_is_changed_once() {
    for (rest, expected) in [
        ("client.expire('a', 60)", &["other-number 3: client.expire('a', 120)"][..]),
        ("client.set('a', 1, ex=1_800)", &["other-number 3: client.set('a', 1, ex=3600)"]),
        (
            "client.config_set('save', '2 3')",
            &[
                "other-number 3: client.config_set('save', '4 3')",
                "other-number 3: client.config_set('save', '2 6')",
            ],
        ),
        ("client.config_set('appendonly', 'yes')", &[]),
        ("client.get('a')", &[]),
    ] {
        assert_eq!(summaries_of("other-number", rest), expected, "{rest}");
    }
}

#[test]
fn what_follows_a_wait_comes_before_it() {
    let wait = "while client.info()['x']:\n    pass\n";
    for (rest, expected) in [
        ("client.set('a', 1)\n", "client.set('a', 1)\nwhile client.info()['x']:\n    pass\n\n"),
        (
            "shutil.copy('a', 'b')\nprint(1)\n",
            "shutil.copy('a', 'b')\nwhile client.info()['x']:\n    pass\n\nprint(1)\n",
        ),
    ] {
        assert_eq!(text_of(&format!("{wait}{rest}"), "earlier"), expected);
    }
    assert!(summaries_of("earlier", &format!("{wait}print(1)\n")).is_empty());
}

#[test]
fn pubsub_is_followed_and_publish_comes_before_subscribe() {
    let rest = "listener = client.pubsub()\nlistener.subscribe('news')\n\
                listener.get_message(timeout=5)\nclient.publish('news', 'a')\n";
    assert_eq!(
        text_of(rest, "earlier"),
        "listener = client.pubsub()\nclient.publish('news', 'a')\nlistener.subscribe('news')\n\
         listener.get_message(timeout=5)\n\n"
    );
    let without = summaries_of("without-line", rest);
    assert_eq!(without, ["without-line 4:", "without-line 5:", "without-line 6:"]);
}
