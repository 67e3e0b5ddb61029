//! The diagnoses that fit every topic, most specific first within a stage.

use super::cause::{Diagnosis, Stage};
use super::data::{has_deleted, has_flushed, removed};
use super::effects::Effect;
use super::pasted::{Pasted, has_pasted, invisible_in_output};
use super::symptom::{
    BLOCKED, CONFIG, DATA_LOST, DATA_WRONG, ENDED_BADLY, EVIDENCE_INVALID, NOT_DONE, NOT_PRINTED,
    STILL_RUNNING, UNMET, UNWANTED,
};
use super::{blocking, data, ending, server, settings, transactions, typed};

pub const TABLE: &[Diagnosis] = &[
    Diagnosis::of(Stage::Server, "resetstat", server::resetstat)
        .explains(&[EVIDENCE_INVALID])
        .because(
            "CONFIG RESETSTAT set the server's counters back, and by them this answer is judged",
        ),
    Diagnosis::of(Stage::Server, "shutdown", server::shutdown)
        .explains(&[EVIDENCE_INVALID, ENDED_BADLY])
        .because("SHUTDOWN ended the server, which has to run until the answer ends"),
    Diagnosis::of(Stage::Server, "debug-ended-the-server", server::debug_ended_the_server)
        .explains(&[EVIDENCE_INVALID, ENDED_BADLY])
        .because("DEBUG {} ended the server, and with it all that it had counted"),
    Diagnosis::of(Stage::Server, "locked-out", server::locked_out)
        .explains(&[EVIDENCE_INVALID, ENDED_BADLY, DATA_WRONG, NOT_DONE])
        .because("`{}` locked the server: whoever came next was turned away"),
    Diagnosis::of(Stage::Server, "client-pause", blocking::client_pause)
        .explains(&[EVIDENCE_INVALID, ENDED_BADLY, BLOCKED])
        .because("CLIENT PAUSE made the clients wait, for {} if nothing ends it earlier"),
    Diagnosis::of(Stage::Server, "endless-script", blocking::endless_script)
        .explains(&[EVIDENCE_INVALID, ENDED_BADLY, BLOCKED])
        .because(
            "the script of {} had not ended when the answer had, and Redis answers nobody else \
             while a script runs",
        ),
    Diagnosis::of(Stage::Elsewhere, "waits-for-somebody-else", blocking::waits_for_others)
        .explains(&[ENDED_BADLY])
        .because("{} waits for another client, and still waited when the time was over"),
    Diagnosis::of(
        Stage::Elsewhere,
        "came-by-the-servers-own-port",
        server::came_by_the_servers_own_port,
    )
    .explains(&[ENDED_BADLY])
    .because(
        "a client used the server's own port, which is locked: the server is at `localhost:6379`",
    ),
    Diagnosis::of(Stage::Elsewhere, "connected-elsewhere", server::connected_elsewhere)
        .explains(&[ENDED_BADLY, DATA_WRONG, NOT_DONE])
        .because(
            "the program looks for Redis at `{}`, where none answers: the lesson's server is at \
             `localhost:6379`",
        ),
    Diagnosis::of(Stage::Elsewhere, "password-not-asked", server::password_not_asked)
        .explains(&[ENDED_BADLY])
        .because("the client sends a password, but this server has none"),
    Diagnosis::of(Stage::Elsewhere, "became-a-replica", server::became_a_replica)
        .explains(&[ENDED_BADLY, DATA_WRONG, DATA_LOST])
        .because(
            "REPLICAOF made this server a replica of another one, and a replica takes no writes of \
             its own",
        ),
    Diagnosis::of(Stage::Lines, "quit-closed-the-connection", typed::quit)
        .explains(&[ENDED_BADLY, NOT_DONE, STILL_RUNNING, DATA_WRONG, DATA_LOST])
        .because("`QUIT` closed the connection, so what stands below it was not run"),
    Diagnosis::of(Stage::Lines, "pasted-code-fence", |facts| has_pasted(facts, Pasted::Fence))
        .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
        .because("line {} is a code fence ({}): an answer holds commands only"),
    Diagnosis::of(Stage::Lines, "pasted-prompt", |facts| has_pasted(facts, Pasted::Prompt))
        .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
        .because("line {} begins with a prompt (`{}`): an answer holds commands only"),
    Diagnosis::of(Stage::Lines, "pasted-redis-cli", |facts| has_pasted(facts, Pasted::RedisCli))
        .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
        .because(
            "line {} begins with `{}`, a program of the shell: an answer holds Redis commands only",
        ),
    Diagnosis::of(Stage::Lines, "semicolon-at-the-end", |facts| {
        has_pasted(facts, Pasted::Semicolon)
    })
    .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
    .because(
        "line {} ends with `;`, which to Redis is a letter of the word `{}`: a command ends \
             with its line",
    ),
    Diagnosis::of(Stage::Lines, "typographic-quotes", |facts| has_pasted(facts, Pasted::Quotes))
        .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
        .because(
            "line {} has a typographic quote (`{}`), which to Redis is a letter: quotes are `\"` \
             and `'`",
        ),
    Diagnosis::of(Stage::Lines, "invisible-character", |facts| {
        has_pasted(facts, Pasted::Invisible)
    })
    .explains(&[NOT_DONE, DATA_WRONG, DATA_LOST])
    .because(
        "line {} holds a character that can't be seen (`{}`), and to Redis it is a letter: \
             type the line anew",
    ),
    Diagnosis::of(Stage::Lines, "invisible-character-printed", invisible_in_output)
        .explains(&[NOT_PRINTED])
        .because(
            "the program printed a character that can't be seen (`{}`): but for it the output is \
             what is asked for",
        ),
    Diagnosis::of(Stage::Lines, "unknown-runner-line", typed::unknown_runner_line)
        .explains(&[STILL_RUNNING])
        .because("line {}: the runner's own line is `{}`; did you mean that?"),
    Diagnosis::of(Stage::Lines, "runner-line-refused", typed::runner_line_refused)
        .explains(&[NOT_DONE, STILL_RUNNING, DATA_WRONG, DATA_LOST, EVIDENCE_INVALID])
        .because("line {} was not done: {}"),
    Diagnosis::of(Stage::Lines, "unknown-command", typed::unknown_command)
        .explains(&[ENDED_BADLY, NOT_DONE, DATA_WRONG, DATA_LOST])
        .because("{}Redis does not know `{}`{}"),
    Diagnosis::of(Stage::Lines, "wrong-number-of-arguments", typed::wrong_arguments)
        .explains(&[ENDED_BADLY, NOT_DONE, DATA_WRONG, DATA_LOST])
        .because("{}wrong number of arguments for `{}`"),
    Diagnosis::of(Stage::Lines, "unclosed-quote", typed::unclosed_quote)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("line {} was not sent: {}"),
    Diagnosis::of(Stage::Blocked, "script-blocks-everyone", blocking::script_blocks)
        .explains(&[BLOCKED])
        .because("Redis runs nothing else while a script runs: {} made another client wait for {}"),
    Diagnosis::of(Stage::Blocked, "slow-command-blocks-everyone", blocking::slow_command_blocks)
        .explains(&[BLOCKED])
        .because("Redis runs one command at a time: {} made another client wait for {}"),
    Diagnosis::of(Stage::NotRun, "multi-left-open", transactions::multi_left_open)
        .explains(&[DATA_WRONG, DATA_LOST, NOT_DONE])
        .because(
            "MULTI only collects commands until EXEC, and EXEC never came: none of them was run",
        ),
    Diagnosis::of(Stage::NotRun, "transaction-discarded", transactions::transaction_discarded)
        .explains(&[ENDED_BADLY, DATA_WRONG, DATA_LOST, NOT_DONE])
        .because("the transaction ended with {} and was thrown away: none of its commands was run"),
    Diagnosis::of(Stage::NotRun, "command-refused", transactions::command_refused)
        .explains(&[ENDED_BADLY, NOT_DONE])
        .because("Redis refused {}: {}"),
    Diagnosis::of(Stage::NotRun, "program-is-no-python", ending::program_is_no_python)
        .explains(&[ENDED_BADLY])
        .because("Python can't read the program ({}): none of it ran"),
    Diagnosis::of(Stage::NotRun, "program-asks-for-input", ending::program_asks_for_input)
        .explains(&[ENDED_BADLY])
        .because(
            "the program asks for input, but an answer has no keyboard: write the value into it",
        ),
    Diagnosis::of(Stage::NotRun, "loop-without-an-end", ending::loop_without_an_end)
        .explains(&[ENDED_BADLY])
        .because("`{}` was sent again and again ({} times), and nothing ended the loop"),
    Diagnosis::of(Stage::NotRun, "program-failed", ending::program_failed)
        .explains(&[ENDED_BADLY])
        .because("the program stopped with {}, and did nothing after that"),
    Diagnosis::of(Stage::NotRun, "setting-refused", settings::refused)
        .explains(&[CONFIG, DATA_WRONG])
        .because("Redis refused to set `{}`: {}"),
    Diagnosis::of(Stage::NotRun, "nothing-was-sent", server::nothing_was_sent)
        .explains(&[DATA_WRONG, NOT_DONE])
        .because(
            "no command came to the lesson's server: the program never talked to it{} (a pipeline \
             sends nothing before `execute()`)",
        ),
    Diagnosis::of(Stage::NotRun, "no-command-was-given", server::no_command_was_given)
        .explains(&[DATA_WRONG, NOT_DONE])
        .because("the answer holds no command"),
    Diagnosis::of(Stage::Unfinished, "setting-not-rewritten", settings::not_rewritten)
        .knowing_others()
        .explains(&[CONFIG, DATA_WRONG, DATA_LOST])
        .because(
            "CONFIG SET changed the running server only, and no CONFIG REWRITE came after it: the \
             next start read the old configuration file",
        ),
    Diagnosis::of(Stage::Gone, "another-database", data::another_database)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because(
            "`{}` was written to database {}, and each database has keys of its own: database 0 is \
             asked for",
        ),
    Diagnosis::of(Stage::Gone, "another-type", data::another_type)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("`{}` was written by {}, so it is a {}, and {} reads a {}"),
    Diagnosis::of(Stage::Gone, "key-deleted", |facts| {
        removed(facts, &Effect::Deleted, has_deleted)
    })
    .explains(&[DATA_WRONG, DATA_LOST])
    .because("{} took `{}` away, and nothing brought it back"),
    Diagnosis::of(Stage::Gone, "flushed-everything", |facts| {
        removed(facts, &Effect::Flushed, has_flushed)
    })
    .explains(&[DATA_WRONG, DATA_LOST])
    .because("{} took all keys away, and `{}` with them"),
    Diagnosis::of(Stage::Gone, "taken-away-for-a-while", data::taken_away_for_a_while)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("{} took `{}` away, which is to be there all the time"),
    Diagnosis::of(Stage::Gone, "key-expired", data::expired)
        .explains(&[DATA_WRONG])
        .because("`{}` was given a time to live, and that was over"),
    Diagnosis::of(Stage::Values, "another-value", data::another_value)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("`{}` was set to `{}`, and `{}` is asked for: values are compared byte for byte"),
    Diagnosis::of(Stage::Values, "another-key", data::another_key)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("`{}` was written, and `{}` is asked for: to Redis they are two keys"),
    Diagnosis::of(Stage::Values, "write-refused", data::write_refused)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("the command that was to write `{}` was refused: {}"),
    Diagnosis::of(Stage::Values, "never-written", data::never_written)
        .explains(&[DATA_WRONG, DATA_LOST])
        .because("nothing was written to {}{}"),
    Diagnosis::of(Stage::Values, "nothing-was-written", data::nothing_was_written)
        .explains(&[DATA_WRONG])
        .because(
            "the answer has sent no command that writes (a pipeline sends nothing before \
             `execute()`)",
        ),
    Diagnosis::of(Stage::Values, "set-otherwise", settings::set_otherwise)
        .knowing_others()
        .explains(&[CONFIG, DATA_WRONG])
        .because("the answer has set `{}` to `{}`"),
    Diagnosis::of(Stage::Values, "never-set", settings::never_set)
        .knowing_others()
        .explains(&[CONFIG, DATA_WRONG])
        .because("no CONFIG SET of `{}` was sent"),
    Diagnosis::of(Stage::Values, "unwanted-command", server::unwanted_command)
        .knowing_others()
        .explains(&[UNWANTED])
        .because("{} was run, and the exercise does not allow it"),
    Diagnosis::of(Stage::Values, "line-not-understood", typed::line_not_understood)
        .knowing_others()
        .explains(&[NOT_DONE, STILL_RUNNING, DATA_WRONG, DATA_LOST, UNMET])
        .because("line {} was refused: {}"),
];
