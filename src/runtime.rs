//! The async runtimes. Callers use blocking functions and never see a future.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle, Runtime};

/// Runs `future` to its end on the program's runtime. Do not call it inside a future.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// The runtime itself, for libraries that need a current one.
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

/// A runtime with one thread for the relay alone. A packet wakes only the other end, because tasks
/// never move between threads: on two cores this raises the throughput by a tenth (`cargo bench
/// --bench relay`).
#[expect(clippy::expect_used, reason = "without threads there is no program")]
pub fn relay_runtime() -> &'static Handle {
    static HANDLE: OnceLock<Handle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let runtime =
            Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("relay".into())
            .spawn(move || {
                let_others_finish();
                runtime.block_on(std::future::pending::<()>());
            })
            .expect("threads can be started");
        handle
    })
}

/// Sets `SCHED_BATCH` for this thread. When a packet wakes it, it does not preempt the server or
/// the client, and then finds more to pass on at once. With `redis-benchmark -P 16` on two cores
/// the throughput rises by a tenth. Other systems have no such policy.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn let_others_finish() {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
    let Ok(priority) = thread_priority::ThreadPriorityValue::try_from(47) else { return };
    let priority = thread_priority::ThreadPriority::Crossplatform(priority);
    // If the system does not allow it, the relay is only slower.
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn let_others_finish() {}
