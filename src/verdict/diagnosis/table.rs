//! The diagnoses, most specific first.

use super::Diagnosis;
use super::symptom::Symptom::{
    Blocked, Config, DataLost, DataWrong, EndedBadly, EvidenceInvalid, NoBgsave, NoSave,
    NoSnapshot, NotPrinted, SaveFailed, StillSaving, UsedSave,
};
use super::{blocking, data, ending, refused, server, snapshots, typed, waiting};

/// The first one that explains a finding and is recognised is the cause.
pub const DIAGNOSES: &[Diagnosis] = &[
    Diagnosis {
        id: "resetstat",
        cause: "CONFIG RESETSTAT set the server's counters back, and by them this answer is judged",
        explains: &[EvidenceInvalid],
        recognise: server::resetstat,
    },
    Diagnosis {
        id: "shutdown",
        cause: "SHUTDOWN ends the server: a snapshot of a server that goes on is SAVE or BGSAVE",
        explains: &[EvidenceInvalid, EndedBadly],
        recognise: server::shutdown,
    },
    Diagnosis {
        id: "debug-ended-the-server",
        cause: "DEBUG {} ended the server, and with it all that it had counted",
        explains: &[EvidenceInvalid, EndedBadly],
        recognise: server::debug_ended_the_server,
    },
    Diagnosis {
        id: "slow-down-changed",
        cause: "CONFIG SET changed `rdb-key-save-delay`, by which this exercise sees whether an \
                answer waits",
        explains: &[EvidenceInvalid],
        recognise: server::slow_down_changed,
    },
    Diagnosis {
        id: "locked-out",
        cause: "`{}` locked the server: whoever came next was turned away",
        explains: &[EvidenceInvalid, EndedBadly, DataWrong, NoSave, NoBgsave, NoSnapshot],
        recognise: server::locked_out,
    },
    Diagnosis {
        id: "client-pause",
        cause: "CLIENT PAUSE made the clients wait, for {} if nothing ends it earlier",
        explains: &[EvidenceInvalid, EndedBadly, Blocked],
        recognise: blocking::client_pause,
    },
    Diagnosis {
        id: "endless-script",
        cause: "the script of {} had not ended when the answer had, and Redis answers nobody else \
                while a script runs",
        explains: &[EvidenceInvalid, EndedBadly, Blocked],
        recognise: blocking::endless_script,
    },
    Diagnosis {
        id: "client-timeout-during-save",
        cause: "the client waits for SAVE no longer than its timeout; the server went on saving",
        explains: &[EndedBadly],
        recognise: blocking::client_gave_up,
    },
    Diagnosis {
        id: "own-data-takes-too-long",
        cause: "{} had {} keys to write, {} of them the answer's own: at {} s a key that takes {} \
                s, and the answer has {} s",
        explains: &[EndedBadly],
        recognise: waiting::own_data_takes_too_long,
    },
    Diagnosis {
        id: "waits-for-somebody-else",
        cause: "{} waits until another client sends something, and none did",
        explains: &[EndedBadly],
        recognise: blocking::waits_for_others,
    },
    Diagnosis {
        id: "came-by-the-servers-own-port",
        cause: "a client used the server's own port, which is locked: the server is at \
                `localhost:6379`",
        explains: &[EndedBadly],
        recognise: server::came_by_the_servers_own_port,
    },
    Diagnosis {
        id: "connected-elsewhere",
        cause: "the program looks for Redis at `{}`, where none answers: the lesson's server is \
                at `localhost:6379`",
        explains: &[EndedBadly, DataWrong, NoSave, NoBgsave, NoSnapshot],
        recognise: server::connected_elsewhere,
    },
    Diagnosis {
        id: "password-not-asked",
        cause: "the client sends a password, but this server has none",
        explains: &[EndedBadly],
        recognise: server::password_not_asked,
    },
    Diagnosis {
        id: "became-a-replica",
        cause: "REPLICAOF made this server a replica of another one, and a replica takes no \
                writes of its own",
        explains: &[EndedBadly, DataWrong, DataLost],
        recognise: server::became_a_replica,
    },
    Diagnosis {
        id: "save-inside-multi",
        cause: "SAVE is not allowed inside MULTI: it was refused, and with it the whole \
                transaction",
        explains: &[EndedBadly, NoSave, NoSnapshot, DataWrong, DataLost],
        recognise: refused::save_in_multi,
    },
    Diagnosis {
        id: "save-inside-lua",
        cause: "{} is not allowed in a script: it was refused, and no snapshot came of it",
        explains: &[EndedBadly, NoSave, NoBgsave, NoSnapshot, DataLost],
        recognise: refused::save_in_script,
    },
    Diagnosis {
        id: "save-refused-while-bgsave-runs",
        cause: "SAVE was refused because a background save was still running: it does not wait \
                for it",
        explains: &[EndedBadly, NoSave, StillSaving, DataLost],
        recognise: refused::save_while_saving,
    },
    Diagnosis {
        id: "bgsave-refused-while-bgsave-runs",
        cause: "BGSAVE was refused because a background save was still running: only one runs at \
                a time",
        explains: &[EndedBadly, NoBgsave, StillSaving, DataLost],
        recognise: refused::bgsave_while_saving,
    },
    Diagnosis {
        id: "bgsave-refused-while-aof-rewrites",
        cause: "BGSAVE was refused because the append-only file was being rewritten: one child at \
                a time",
        explains: &[EndedBadly, NoBgsave, NoSnapshot],
        recognise: refused::bgsave_while_rewriting,
    },
    Diagnosis {
        id: "misconf-switched-off",
        cause: "`stop-writes-on-bgsave-error no` only silences the warning: no save has succeeded \
                since the one that failed",
        explains: &[SaveFailed, NoSnapshot, DataLost, Config],
        recognise: refused::misconf_switched_off,
    },
    Diagnosis {
        id: "misconf",
        cause: "Redis refuses writes (MISCONF) since a background save failed: first a save must \
                succeed again",
        explains: &[EndedBadly, DataWrong, DataLost],
        recognise: refused::misconf,
    },
    Diagnosis {
        id: "lastsave-poll-after-failed-save",
        cause: "the background save failed, so LASTSAVE never moves: look at \
                `rdb_last_bgsave_status` too",
        explains: &[EndedBadly],
        recognise: waiting::lastsave_after_failure,
    },
    Diagnosis {
        id: "lastsave-poll-never-ends",
        cause: "the snapshot was finished in the second that LASTSAVE showed before: it counts \
                whole seconds, so it did not move",
        explains: &[EndedBadly],
        recognise: waiting::lastsave_within_a_second,
    },
    Diagnosis {
        id: "lastsave-read-too-late",
        cause: "LASTSAVE was first read after SAVE had moved it, so it does not move again",
        explains: &[EndedBadly],
        recognise: waiting::lastsave_read_too_late,
    },
    Diagnosis {
        id: "info-poll-never-ends",
        cause: "no background save was running, and the answer went on asking INFO: its loop \
                waits for something that does not come",
        explains: &[EndedBadly],
        recognise: waiting::info_poll_never_ends,
    },
    Diagnosis {
        id: "bgsave-could-not-fork",
        cause: "BGSAVE failed at once: the server could not start a child (its log says why, \
                mostly memory)",
        explains: &[EndedBadly, NoBgsave, SaveFailed, NoSnapshot, DataLost],
        recognise: refused::bgsave_could_not_fork,
    },
    Diagnosis {
        id: "save-failed",
        cause: "SAVE failed: the server could not write the file (its log says why, mostly the \
                disk)",
        explains: &[EndedBadly, NoSave, NoSnapshot, DataLost],
        recognise: refused::save_failed,
    },
    Diagnosis {
        id: "flushall-ended-the-save",
        cause: "FLUSHALL ended the background save that was still running: no snapshot came of it",
        explains: &[SaveFailed, NoSnapshot, DataLost],
        recognise: snapshots::flushall_ended_it,
    },
    Diagnosis {
        id: "bgsave-failed",
        cause: "the background save failed after BGSAVE had answered: only INFO and the log tell",
        explains: &[SaveFailed, NoSnapshot, DataLost],
        recognise: refused::bgsave_failed,
    },
    Diagnosis {
        id: "flushall-after-the-snapshot",
        cause: "FLUSHALL came after the snapshot: on a server with save points it also writes an \
                empty `dump.rdb`",
        explains: &[DataLost],
        recognise: snapshots::flushall_emptied_the_file,
    },
    Diagnosis {
        id: "snapshot-goes-elsewhere",
        cause: "CONFIG SET {} sent the snapshot to another file than the one that is loaded",
        explains: &[DataLost],
        recognise: snapshots::file_elsewhere,
    },
    Diagnosis {
        id: "protected-setting",
        cause: "where the snapshot goes can't be changed on a running server: `dir` and \
                `dbfilename` are protected",
        explains: &[EndedBadly],
        recognise: snapshots::protected_setting,
    },
    Diagnosis {
        id: "quit-closed-the-connection",
        cause: "`QUIT` closed the connection, so what stands below it was not run",
        explains: &[EndedBadly, NoSave, NoBgsave, NoSnapshot, StillSaving, DataWrong, DataLost],
        recognise: typed::quit,
    },
    Diagnosis {
        id: "pasted-code-fence",
        cause: "line {} is a code fence ({}): an answer holds commands only",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::code_fence,
    },
    Diagnosis {
        id: "pasted-prompt",
        cause: "line {} begins with a prompt (`{}`): an answer holds commands only",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::prompt,
    },
    Diagnosis {
        id: "pasted-redis-cli",
        cause: "line {} begins with `{}`, a program of the shell: an answer holds Redis commands \
                only",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::redis_cli,
    },
    Diagnosis {
        id: "semicolon-at-the-end",
        cause: "line {} ends with `;`, which to Redis is a letter of the word `{}`: a command \
                ends with its line",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::semicolon,
    },
    Diagnosis {
        id: "typographic-quotes",
        cause: "line {} has a typographic quote (`{}`), which to Redis is a letter: quotes are \
                `\"` and `'`",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::typographic_quotes,
    },
    Diagnosis {
        id: "invisible-character",
        cause: "line {} holds a character that can't be seen (`{}`), and to Redis it is a letter: \
                type the line anew",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::invisible_character,
    },
    Diagnosis {
        id: "invisible-character-printed",
        cause: "the program printed a character that can't be seen (`{}`): but for it the output \
                is what is asked for",
        explains: &[NotPrinted],
        recognise: typed::invisible_in_output,
    },
    Diagnosis {
        id: "unknown-runner-line",
        cause: "line {}: the runner's own line is `{}`; did you mean that?",
        explains: &[StillSaving],
        recognise: typed::unknown_runner_line,
    },
    Diagnosis {
        id: "unknown-command",
        cause: "{}Redis does not know `{}`{}",
        explains: &[EndedBadly, NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::unknown_command,
    },
    Diagnosis {
        id: "wrong-number-of-arguments",
        cause: "{}wrong number of arguments for `{}`",
        explains: &[EndedBadly, NoSave, NoBgsave, NoSnapshot, DataWrong, DataLost],
        recognise: typed::wrong_arguments,
    },
    Diagnosis {
        id: "unclosed-quote",
        cause: "line {} was not sent: {}",
        explains: &[DataWrong, DataLost],
        recognise: typed::unclosed_quote,
    },
    Diagnosis {
        id: "bgsave-inside-multi",
        cause: "inside MULTI, BGSAVE is only scheduled: it began after EXEC, and {}",
        explains: &[StillSaving, DataLost],
        recognise: refused::bgsave_in_multi,
    },
    Diagnosis {
        id: "ended-though-info-said-saving",
        cause: "INFO said `rdb_bgsave_in_progress:1`, and the answer ended all the same: wait \
                until this field is 0",
        explains: &[StillSaving],
        recognise: waiting::wrong_field,
    },
    Diagnosis {
        id: "waited-too-early",
        cause: "`@wait-bgsave` stands above BGSAVE, where there was nothing to wait for yet",
        explains: &[StillSaving],
        recognise: waiting::waited_too_early,
    },
    Diagnosis {
        id: "guessed-wait",
        cause: "the answer ended {} after BGSAVE's reply without asking whether the save was \
                done: it was not",
        explains: &[StillSaving],
        recognise: waiting::guessed,
    },
    Diagnosis {
        id: "save-not-awaited",
        cause: "the answer ended before SAVE had answered: the kill came while the file was being \
                written",
        explains: &[DataLost, NoSnapshot],
        recognise: waiting::save_not_awaited,
    },
    Diagnosis {
        id: "bgsave-reply-taken-as-done",
        cause: "BGSAVE's reply only means begun: the child was still writing when the answer ended",
        explains: &[StillSaving],
        recognise: waiting::reply_taken_as_done,
    },
    Diagnosis {
        id: "written-after-the-snapshot",
        cause: "{} was written after {}: a snapshot holds what was there at its moment, and \
                nothing later",
        explains: &[DataLost],
        recognise: snapshots::written_after,
    },
    Diagnosis {
        id: "save-blocks-everyone",
        cause: "SAVE makes every client wait until the file is written{}: BGSAVE leaves that to a \
                child",
        explains: &[UsedSave],
        recognise: blocking::save_is_used,
    },
    Diagnosis {
        id: "save-blocks-everyone",
        cause: "SAVE made every client wait until the file was written, another client for {}: \
                BGSAVE leaves that to a child",
        explains: &[Blocked],
        recognise: blocking::save_blocks,
    },
    Diagnosis {
        id: "script-blocks-everyone",
        cause: "Redis runs nothing else while a script runs: {} made another client wait for {}",
        explains: &[Blocked],
        recognise: blocking::script_blocks,
    },
    Diagnosis {
        id: "slow-command-blocks-everyone",
        cause: "Redis runs one command at a time: {} made another client wait for {}",
        explains: &[Blocked],
        recognise: blocking::slow_command_blocks,
    },
    Diagnosis {
        id: "multi-left-open",
        cause: "MULTI only collects commands until EXEC, and EXEC never came: none of them was run",
        explains: &[DataWrong, DataLost, NoSave, NoBgsave, NoSnapshot],
        recognise: refused::multi_left_open,
    },
    Diagnosis {
        id: "transaction-discarded",
        cause: "the transaction ended with {} and was thrown away: none of its commands was run",
        explains: &[EndedBadly, DataWrong, DataLost, NoSave, NoBgsave, NoSnapshot],
        recognise: refused::transaction_discarded,
    },
    Diagnosis {
        id: "command-refused",
        cause: "Redis refused {}: {}",
        explains: &[EndedBadly, NoSave, NoBgsave, NoSnapshot],
        recognise: refused::command_refused,
    },
    Diagnosis {
        id: "program-is-no-python",
        cause: "Python can't read the program ({}): none of it ran",
        explains: &[EndedBadly],
        recognise: ending::program_is_no_python,
    },
    Diagnosis {
        id: "program-asks-for-input",
        cause: "the program asks for input, but an answer has no keyboard: write the value into it",
        explains: &[EndedBadly],
        recognise: ending::program_asks_for_input,
    },
    Diagnosis {
        id: "program-failed",
        cause: "the program stopped with {}: nothing after that line ran",
        explains: &[EndedBadly],
        recognise: ending::program_failed,
    },
    Diagnosis {
        id: "nothing-was-sent",
        cause: "no command came to the lesson's server: the program never talked to it{}",
        explains: &[DataWrong, NoSave, NoBgsave, NoSnapshot],
        recognise: server::nothing_was_sent,
    },
    Diagnosis {
        id: "no-command-was-given",
        cause: "the answer holds no command",
        explains: &[DataWrong, NoSave, NoBgsave, NoSnapshot],
        recognise: server::no_command_was_given,
    },
    Diagnosis {
        id: "appendonly-taken-for-a-snapshot",
        cause: "`{}` writes the append-only file, which is another file than the snapshot \
                `dump.rdb`",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataLost],
        recognise: snapshots::aof_instead,
    },
    Diagnosis {
        id: "read-instead-of-saved",
        cause: "{} only tells of the last snapshot and takes none: neither SAVE nor BGSAVE was \
                sent",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataLost],
        recognise: snapshots::read_instead,
    },
    Diagnosis {
        id: "saved-by-a-save-point",
        cause: "the save point that CONFIG SET made let Redis save by itself: neither SAVE nor \
                BGSAVE was sent",
        explains: &[NoSave, NoBgsave, NoSnapshot],
        recognise: snapshots::saved_by_a_save_point,
    },
    Diagnosis {
        id: "nobody-asked-for-a-snapshot",
        cause: "neither SAVE nor BGSAVE was sent: nobody asked for a snapshot",
        explains: &[NoSave, NoBgsave, NoSnapshot, DataLost],
        recognise: snapshots::nobody_asked,
    },
    Diagnosis {
        id: "save-never-sent",
        cause: "SAVE was never sent: it is another command than BGSAVE",
        explains: &[NoSave],
        recognise: snapshots::never_sent_save,
    },
    Diagnosis {
        id: "bgsave-never-sent",
        cause: "BGSAVE was never sent: it is another command than SAVE",
        explains: &[NoBgsave],
        recognise: snapshots::never_sent_bgsave,
    },
    Diagnosis {
        id: "another-database",
        cause: "`{}` was written to database {}, and each database has keys of its own: database \
                0 is asked for",
        explains: &[DataWrong, DataLost],
        recognise: data::another_database,
    },
    Diagnosis {
        id: "another-type",
        cause: "`{}` was written by {}, so it is a {}, and {} reads a {}",
        explains: &[DataWrong, DataLost],
        recognise: data::another_type,
    },
    Diagnosis {
        id: "key-deleted",
        cause: "{} took `{}` away again",
        explains: &[DataWrong, DataLost],
        recognise: data::deleted,
    },
    Diagnosis {
        id: "flushed-everything",
        cause: "{} took all keys away, and `{}` with them",
        explains: &[DataWrong, DataLost],
        recognise: data::flushed,
    },
    Diagnosis {
        id: "key-expired",
        cause: "`{}` was given a time to live, and that was over",
        explains: &[DataWrong],
        recognise: data::expired,
    },
    Diagnosis {
        id: "another-save-came-after",
        cause: "another save came after: the file is the picture of the moment of that {}, and \
                not of the earlier one",
        explains: &[DataLost],
        recognise: snapshots::overwritten,
    },
    Diagnosis {
        id: "another-value",
        cause: "`{}` was set to `{}`, and `{}` is asked for: values are compared byte for byte",
        explains: &[DataWrong, DataLost],
        recognise: data::another_value,
    },
    Diagnosis {
        id: "another-key",
        cause: "`{}` was written, and `{}` is asked for: to Redis they are two keys",
        explains: &[DataWrong, DataLost],
        recognise: data::another_key,
    },
    Diagnosis {
        id: "write-refused",
        cause: "the command that was to write `{}` was refused: {}",
        explains: &[DataWrong, DataLost],
        recognise: data::write_refused,
    },
    Diagnosis {
        id: "never-written",
        cause: "nothing was written to {}",
        explains: &[DataWrong, DataLost],
        recognise: data::never_written,
    },
    Diagnosis {
        id: "line-not-understood",
        cause: "line {} was refused: {}",
        explains: &[NoSave, NoBgsave, NoSnapshot, StillSaving, DataWrong, DataLost],
        recognise: typed::line_not_understood,
    },
];
