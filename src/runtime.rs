//! The one async runtime, behind blocking doors: callers never see a future.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

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
