# What one does daily; `just` lists it.

_default:
    @just --list

# the course
run *ARGS:
    cargo run -- {{ARGS}}

# all tests, or those that NAME names
test *NAME:
    cargo test {{NAME}}

# format and lints
lint:
    cargo fmt
    cargo clippy --all-targets -- --deny warnings

# prove the lessons
verify *NAMES:
    cargo run -- verify {{NAMES}}

# accept changed screens
screens:
    INSTA_UPDATE=always cargo test --test it session::screens
    git diff --stat -- tests/it/session/snapshots

# everything that must pass before a change lands
ci:
    bash .ci/run
