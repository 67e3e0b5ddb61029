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
/// its throughput is better by a tenth (`cargo bench --bench tap`), since a task never moves between threads.
#[expect(clippy::expect_used, reason = "without threads there is no program")]
pub fn relay_runtime() -> &'static Handle {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let runtime =
            Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let handle = runtime.handle().clone();
        let run = move || {
            let_others_finish();
            runtime.block_on(std::future::pending::<()>());
        };
        std::thread::Builder::new()
            .name("relay".into())
            .spawn(run)
            .expect("threads can be started");
        handle
    })
}

/// `SCHED_BATCH` for this thread: woken by a packet, it does not push the server or the client off its core, and
/// then finds more to pass on at once. With `redis-benchmark -P 16` on two cores the throughput rises by a
/// tenth. Other systems have no such policy, and go on as they are.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn let_others_finish() {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    let Ok(priority) = thread_priority::ThreadPriorityValue::try_from(47) else { return };
    let priority = thread_priority::ThreadPriority::Crossplatform(priority);
    // Where that is not allowed, it is only slower.
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn let_others_finish() {}
