"""Runs in the warmed interpreter of `redislings`, started as `python FOLDER/answer.pyc`.

Python's start and the import of the course's packages are paid once: each
answer runs in a fork.  The fork happens where Python is about to run its main
program and asks for that one's loader.  The fork puts the answer's code in the
place of `answer.pyc` and lets Python go on.  So no frame of ours is below the
answer's, and Python itself runs it, reports its exceptions and ends it.

What would not be exactly as in a fresh process runs in one: the fork replaces
itself by it before anything of the answer has run.

stdin is /dev/null; stdout and stderr are the socket on which requests come,
so an interpreter that has something to say when it starts is noticed.
"""
import os
import sys
import _frozen_importlib_external as importlib_external

PROGRAM = os.path.join(folder, "answer.pyc")
HELLO = b"redislings: ready\n"
FAILED = b"failed\n"
ENDED = b"ended "
REQUEST = b"."
# In a request: where the answer prints, where the rest of it is read, where its end is told.
DESCRIPTORS = 4
ONLY_AST = 0x400
# A program without these can't tell that what is imported here is not collected at its end.
FINALIZERS = (b"gc", b"__del__", b"weakref")
real_loader = importlib_external.SourcelessFileLoader


class NotAsFresh(Exception):
    """A fork would show that it is one."""


def loader_of_main(name, path):
    """Called by Python in place of SourcelessFileLoader just before the main program runs."""
    importlib_external.SourcelessFileLoader = real_loader
    machinery = sys.modules.get("importlib.machinery")
    if machinery is not None:
        machinery.SourcelessFileLoader = real_loader
    if path != PROGRAM:
        return real_loader(name, path)
    inherited = open_descriptors()
    packages, given = read_start()
    has_directory = sys.path[:1] == [os.path.realpath(folder)]
    if has_directory:
        del sys.path[0]
    if not preload(packages):
        os._exit(1)
    changes = changes_since(given)
    extra = set(sys.modules)
    import gc
    import signal
    import warnings
    from select import select
    extra = set(sys.modules) - extra
    program = descriptor_of(PROGRAM, inherited)
    control, wake = open_control(signal)
    gc.collect()
    # A fork that looked at everything, as it would at its end, would copy it all: most of its cost.
    gc.freeze()
    stdout, stderr, request, status = serve(control, wake, select)
    # From here on this is a fork.
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for module in extra:
            del sys.modules[module]
        answer, directory, *environment = read_all(request).split(b"\0")
        take_descriptors(stdout, stderr, inherited | {status})
        environment = dict(pair.split(b"=", 1) for pair in environment)
        changes.apply(environment, directory)
        take_environment(environment)
        os.chdir(directory)
        answer = os.fsdecode(answer)
        try:
            code = compiled(answer, packages, warnings)
            mark(environment)
        except Exception:
            run_fresh(answer, environment, status, program)
        replace_program(program, code)
        main = take_names(answer, has_directory)
        os.close(status)
    except BaseException:
        os.write(status, FAILED)
        os._exit(1)
    sys.modules[name].__file__ = main
    return importlib_external.SourceFileLoader(name, main)


def run_fresh(answer, environment, *descriptors):
    """Run the answer in a fresh process.  Nothing of it has run yet, whatever happened."""
    import posix  # os.execve is ours
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    posix.execve(sys.executable, [sys.orig_argv[0], answer], environment)


def take_names(answer, has_directory):
    """Let `sys` name the answer.  Returns `__file__`."""
    sys.argv[:] = [answer]
    sys.orig_argv[1:] = [answer]
    if has_directory:
        sys.path.insert(0, os.path.dirname(os.path.realpath(answer)))
    main = os.path.abspath(answer)
    sys.path_importer_cache.pop(PROGRAM, None)
    sys.path_importer_cache[main] = None
    return main


def read_start():
    """The packages to import, and the environment this interpreter was given."""
    with open(os.path.join(folder, "packages"), "rb") as file:
        packages = os.fsdecode(file.read()).split()
    with open(os.path.join(folder, "environment"), "rb") as file:
        given = dict(pair.split(b"=", 1) for pair in file.read().split(b"\0") if pair)
    return packages, given


def preload(packages):
    """Import the packages; whether forks can be like fresh processes."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if (sys.implementation.name != "cpython"
            # Not tried with older ones.
            or sys.version_info < (3, 11)
            or not sys.executable or len(sys.orig_argv) != 2
            # An entry that each answer's own directory would complete.
            or not all(os.path.isabs(entry) for entry in entries)):
        return False
    for package in packages:
        try:
            __import__(package)
        except Exception as error:
            sys.stderr.write("%s: %s" % (type(error).__name__, error))
            return False
    threading = sys.modules.get("threading")
    return threading is None or threading.active_count() == 1


class changes_since:
    """What Python and whatever started it changed in the environment that was given."""

    def __init__(self, given):
        now = dict(os.environb)
        self.here = os.fsencode(os.getcwd())
        self.gone = [name for name in given if name not in now]
        self.new = {name: value for name, value in now.items() if given.get(name) != value}

    def apply(self, environment, directory):
        for name in self.gone:
            environment.pop(name, None)
        for name, value in self.new.items():
            environment[name] = value.replace(self.here, directory)


def open_descriptors():
    def is_open(descriptor):
        try:
            os.fstat(descriptor)
        except OSError:
            return False  # the one of listdir()
        return True
    return set(filter(is_open, map(int, os.listdir("/dev/fd"))))


def descriptor_of(path, descriptors):
    """The one by which Python is about to read its main program."""
    wanted = os.stat(path)
    [found] = [it for it in descriptors if os.path.samestat(os.fstat(it), wanted)]
    return found


def open_control(signal):
    """The socket of requests, no longer stdout and stderr, and what is readable when a fork ended."""
    import _socket
    control = _socket.socket(fileno=os.dup(2))
    control.sendall(HELLO)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    return control, wake


def serve(control, wake, select):
    """Fork for each request.  Returns in each fork, with its descriptors."""
    running = {}
    while True:
        ready, _, _ = select([control.fileno(), wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            for pid in list(running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    tell(running[pid], ENDED + b"%d\n" % status)
                    os.close(running.pop(pid))
        if control.fileno() not in ready:
            continue
        stdout, stderr, request, status = receive(control)
        try:
            pid = os.fork()
        except OSError:
            pid = None  # they see that nothing comes
        if pid == 0:
            # No terminal, and a process group of its own before anybody hears of it.
            os.setsid()
            tell(status, b"%d\n" % os.getpid())
            return stdout, stderr, request, status
        for descriptor in (stdout, stderr, request):
            os.close(descriptor)
        if pid is None:
            os.close(status)
            continue
        running[pid] = status


def receive(control):
    import _socket
    message, ancillary, _, _ = control.recvmsg(len(REQUEST), _socket.CMSG_SPACE(4 * DESCRIPTORS))
    if not message:
        os._exit(0)  # whoever started this interpreter is gone
    [(_, _, data)] = ancillary
    return list(memoryview(data).cast("i"))


def tell(descriptor, line):
    try:
        os.write(descriptor, line)
    except OSError:
        pass  # nobody wants to know any more


def read_all(descriptor):
    parts = []
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def take_descriptors(stdout, stderr, kept):
    """Nothing but the answer's own, and what a fresh process has from whoever starts it."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for descriptor in open_descriptors() - kept:
        os.close(descriptor)


def take_environment(environment):
    os.environb.clear()
    os.environb.update(environment)
    lead_as_told()


def compiled(path, packages, warnings):
    """The answer's code, where it begins by importing what is imported here already."""
    if os.listdir(os.path.dirname(os.path.realpath(path))) != ["answer.py"]:
        raise NotAsFresh  # an import would find what lies beside it first
    with open(path, "rb") as file:
        source = file.read()
    if any(name in source for name in FINALIZERS):
        raise NotAsFresh
    with warnings.catch_warnings():
        # What Python has to say about the code must be said as it says it about a file.
        warnings.simplefilter("error")
        tree = compile(source, path, "exec", ONLY_AST, True)
        if not set(packages) <= set(imported_first(tree)):
            raise NotAsFresh
        return compile(source, path, "exec", 0, True)


def imported_first(tree):
    """The packages that a program imports before it does anything else."""
    for statement in tree.body:
        kind = type(statement).__name__
        if kind == "Import":
            for name in statement.names:
                yield name.name.partition(".")[0]
        elif kind == "ImportFrom" and statement.level == 0:
            yield statement.module.partition(".")[0]
        elif kind != "Expr" or type(statement.value).__name__ != "Constant":
            return


def mark(environment):
    """Show this fork's mark where the system shows a process's environment."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        return  # no Linux
    start, end = int(fields[47]), int(fields[48])
    name = b"REDISLINGS_ATTEMPT"
    text = name + b"=" + environment[name]
    if not 0 < start < end - len(text):
        raise NotAsFresh
    memory = os.open("/proc/self/mem", os.O_RDWR)
    try:
        os.pwrite(memory, text.ljust(end - start, b"\0"), start)
    finally:
        os.close(memory)


def replace_program(descriptor, code):
    """Let Python read `code` through the descriptor of its main program."""
    import marshal
    magic = importlib_external.MAGIC_NUMBER
    name = "%s.%d" % (PROGRAM, os.getpid())
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(name)
    text = magic + bytes(12) + marshal.dumps(code)
    while text:
        text = text[os.write(file, text):]
    os.lseek(file, 0, os.SEEK_SET)
    os.dup2(file, descriptor, inheritable=False)
    os.close(file)


importlib_external.SourcelessFileLoader = loader_of_main
