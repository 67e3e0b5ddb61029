//! The async runtimes, behind blocking doors: callers never see a future.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

/// Runs `future` to its end on the program's runtime. Not to be called from inside a future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// The runtime itself, for libraries that want a current one.
#[expect(clippy::expect_used, reason = "without threads there is no program")]
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(2)
            .thread_name("io")
            .enable_all()
            .build()
            .expect("threads can be started")
    })
}

/// A runtime of one thread for the relay alone. What it passes on wakes nobody but the other end: on two cores
/// the relay's throughput rises from 0.45 of the direct connection's to more than half (`cargo bench --bench
/// tap`), since a task never moves between threads.
#[expect(clippy::expect_used, reason = "without threads there is no program")]
pub fn relay_runtime() -> &'static Handle {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let runtime =
            Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let handle = runtime.handle().clone();
        let run = move || runtime.block_on(std::future::pending::<()>());
        std::thread::Builder::new()
            .name("relay".into())
            .spawn(run)
            .expect("threads can be started");
        handle
    })
}
