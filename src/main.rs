//! The program: everything is in the library.

fn main() -> std::process::ExitCode {
    redislings::run::main(std::env::args_os())
}
