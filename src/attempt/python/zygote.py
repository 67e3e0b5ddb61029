"""The warmed interpreter of `redislings verify`: `python zygote.py PACKAGE...`.

Python's start and the import of the course's packages are paid once: each
answer runs in a fork, from a namespace of its own.

stdin is /dev/null; stdout and stderr are the socket on which requests come,
so an interpreter that prints something when it starts is noticed.
"""
import _socket
import atexit
import builtins
import contextlib
import gc
import importlib
import importlib.metadata
import io
import os
import select
import signal
import sys
import threading
import types

HELLO = b"redislings: ready\n"
ENDED = b"ended %d\n"
REQUEST = b"."
# In a request: stdout, stderr, a pipe with the rest of it, a socket for process id and wait status.
DESCRIPTORS = 4
MARK = b"REDISLINGS_ATTEMPT"
# What redis-py imports only when it first connects.
IMPORTED_LATER = "encodings.idna", "hmac", "secrets"


def preload(packages):
    """Import the packages, unless a fork would import others than a fresh process."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if not all(os.path.isabs(entry) for entry in entries):
        sys.exit("PYTHONPATH depends on the working directory")
    for package in packages:
        try:
            __import__(package)
        except Exception as error:
            sys.exit("%s: %s" % (type(error).__name__, error))
        # redis-py looks up its version when it connects, and Python then remembers where that is.
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(package)
    for module in IMPORTED_LATER:
        importlib.import_module(module)
    # A fork has only the thread that forks.
    if threading.active_count() > 1:
        sys.exit("its packages start threads")


def open_control():
    """The socket of requests, which is no longer stdout and stderr."""
    control = _socket.socket(fileno=os.dup(2))
    control.sendall(HELLO)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)
    return control


def serve(control):
    """Fork for each request.  Return in each fork, with the path of its answer."""
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    running = {}
    while True:
        ready, _, _ = select.select([control, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            for pid in list(running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    write(running[pid], ENDED % status)
                    os.close(running.pop(pid))
        if control not in ready:
            continue
        message, ancillary, _, _ = control.recvmsg(len(REQUEST), _socket.CMSG_SPACE(4 * DESCRIPTORS))
        if not message:
            os._exit(0)  # whoever started this interpreter is gone
        descriptors = list(memoryview(ancillary[0][2]).cast("i"))
        try:
            pid = os.fork()
        except OSError:
            pid = None  # the other side sees the status socket close
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.detach()
            return become_answer(*descriptors)
        *others, status = descriptors
        for descriptor in others:
            os.close(descriptor)
        if pid is None:
            os.close(status)
        else:
            running[pid] = status


def become_answer(stdout, stderr, request, status):
    """Take on what a fresh process of the answer would have.  Return the answer's path."""
    # No terminal, and a process group of its own before anybody hears of it.
    os.setsid()
    write(status, b"%d\n" % os.getpid())
    with os.fdopen(request, "rb", closefd=False) as file:
        answer, directory, *environment = file.read().split(b"\0")
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environb.clear()
    os.environb.update(pair.split(b"=", 1) for pair in environment)
    _socket.socket.redislings()
    os.chdir(directory)
    mark(os.environb[MARK])
    answer = os.fsdecode(answer)
    sys.argv[:] = [answer]
    sys.path[0] = os.path.dirname(os.path.realpath(answer))
    return answer


def write(descriptor, line):
    try:
        os.write(descriptor, line)
    except OSError:
        pass  # nobody waits for it any more


def mark(value):
    """Show this fork's mark where Linux shows the environment that a process started with."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        return  # not Linux
    start, end = int(fields[47]), int(fields[48])
    text = MARK + b"=" + value
    if len(text) < end - start:
        memory = os.open("/proc/self/mem", os.O_RDWR)
        os.pwrite(memory, text.ljust(end - start, b"\0"), start)
        os.close(memory)


def run(path):
    """Run the answer as the main program, without our frames in its traceback."""
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __annotations__={}, __builtins__=builtins, __cached__=None, __file__=path)
    sys.modules["__main__"] = main
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        exec(code, main.__dict__)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def leave(callbacks, harmless):
    """End as Python does, but leave the modules whole: to take them apart is half of a fork's cost.

    `callbacks` is how many had been registered for the end before the answer ran, `harmless` the
    classes whose objects may be left.  Return, for Python to do it all, if something would notice
    the difference, or if anything fails: Python then says itself what it says in a fresh process.
    """
    try:
        if not is_plain(callbacks, harmless):
            return
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.modules.pop("__main__", None)
        gc.collect()
        if any(has_end(class_of(left)) for left in gc.get_objects()):
            return
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:
        return
    os._exit(0)


def is_plain(callbacks, harmless):
    """Whether the answer has left nothing that does something at its end."""
    streams = ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__))
    are_kept = all(now is before and not now.closed for now, before in streams)
    # What was there before the answer is frozen, and not among these.
    ending = {kind for kind in map(class_of, gc.get_objects()) if has_end(kind)}
    return (are_kept and atexit._ncallbacks() == callbacks and threading.active_count() == 1
            and ending <= harmless)


def class_of(thing):
    """The class itself of a class, else the thing's."""
    kind = type(thing)
    return thing if issubclass(kind, type) else kind


def has_end(kind):
    """Whether objects of this class do something when they go."""
    return any("__del__" in vars(base) for base in type.mro(kind))


def classes_of_packages():
    """The packages' own classes that do something when an object of theirs goes.

    Files and generators are not among them: they do what the answer has left to do.
    """
    classes = {thing for thing in gc.get_objects() if issubclass(type(thing), type)}
    own = {kind for kind in classes if kind.__module__ not in ("builtins", "_io")}
    return {kind for kind in own | {io.BytesIO} if has_end(kind)}


if __name__ == "__main__":
    preload(sys.argv[1:])
    requests = open_control()
    registered, harmless = atexit._ncallbacks(), classes_of_packages()
    # A fork that looked at every object at its end would copy them all.
    gc.collect()
    gc.freeze()
    run(serve(requests))
    leave(registered, harmless)
