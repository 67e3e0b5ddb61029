//! The binary: all code is in the library.

fn main() -> std::process::ExitCode {
    redislings::commands::main(std::env::args_os())
}
