"""Runs in the warmed interpreter of `redislings`, started as `python FOLDER/answer.pyc`.

Python starts and imports the course's packages only once: each answer runs in
a fork.  We fork when Python is about to run its main program and asks for the
program's loader.  The fork replaces `answer.pyc` by the answer's code and lets
Python continue.  So the answer's stack contains no frame of ours, and Python
itself runs the answer, reports its exceptions and ends it.

An answer that would not run exactly as in a fresh process runs in a fresh
process: the fork replaces itself by one before any of the answer has run.

stdin is /dev/null; stdout and stderr are the socket on which requests come,
so we notice an interpreter that prints something at its start.
"""
import os
import sys
import _frozen_importlib_external as importlib_external

PROGRAM = os.path.join(folder, "answer.pyc")
HELLO = b"redislings: ready\n"
FAILED = b"failed\n"
ENDED = b"ended "
REQUEST = b"."
# In a request: the answer's stdout and stderr, a pipe with the rest, a socket for the status.
DESCRIPTORS = 4
ONLY_AST = 0x400
# Only a program with these can notice that modules imported here are not collected at its end.
FINALIZERS = (b"gc", b"__del__", b"weakref")
real_loader = importlib_external.SourcelessFileLoader


class NotAsFresh(Exception):
    """The answer could notice that it runs in a fork."""


def loader_of_main(name, path):
    """Python calls this instead of SourcelessFileLoader just before the main program runs."""
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
    # Otherwise a fork's collection at its end would copy all memory: most of the fork's cost.
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
    """Run the answer in a fresh process.  None of it has run yet, whatever happened."""
    import posix  # os.execve is ours
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    posix.execve(sys.executable, [sys.orig_argv[0], answer], environment)


def take_names(answer, has_directory):
    """Make `sys` name the answer.  Return `__file__`."""
    sys.argv[:] = [answer]
    sys.orig_argv[1:] = [answer]
    if has_directory:
        sys.path.insert(0, os.path.dirname(os.path.realpath(answer)))
    main = os.path.abspath(answer)
    sys.path_importer_cache.pop(PROGRAM, None)
    sys.path_importer_cache[main] = None
    return main


def read_start():
    """Return the packages to import, and the environment that this interpreter was given."""
    with open(os.path.join(folder, "packages"), "rb") as file:
        packages = os.fsdecode(file.read()).split()
    with open(os.path.join(folder, "environment"), "rb") as file:
        given = dict(pair.split(b"=", 1) for pair in file.read().split(b"\0") if pair)
    return packages, given


def preload(packages):
    """Import the packages; return whether forks can be like fresh processes."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if (sys.implementation.name != "cpython"
            # Not tested with older versions.
            or sys.version_info < (3, 11)
            or not sys.executable or len(sys.orig_argv) != 2
            # A relative entry would depend on each answer's directory.
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
    """The changes that Python, and the program that started it, made to the given environment."""

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
            return False  # listdir()'s own descriptor
        return True
    return set(filter(is_open, map(int, os.listdir("/dev/fd"))))


def descriptor_of(path, descriptors):
    """Return the descriptor through which Python is about to read its main program."""
    wanted = os.stat(path)
    [found] = [it for it in descriptors if os.path.samestat(os.fstat(it), wanted)]
    return found


def open_control(signal):
    """Return the request socket and a pipe that is readable when a fork has ended.

    stdout and stderr no longer refer to the socket afterwards.
    """
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
    """Fork for each request.  Return only in the forks, with their descriptors."""
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
            pid = None  # the other side sees its descriptors closed
        if pid == 0:
            # Leave the terminal and the process group before reporting the process id.
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
        os._exit(0)  # redislings has ended
    [(_, _, data)] = ancillary
    return list(memoryview(data).cast("i"))


def tell(descriptor, line):
    try:
        os.write(descriptor, line)
    except OSError:
        pass  # the other side no longer reads


def read_all(descriptor):
    parts = []
    while part := os.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def take_descriptors(stdout, stderr, kept):
    """Keep only the answer's own descriptors, and those that a fresh process inherits."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for descriptor in open_descriptors() - kept:
        os.close(descriptor)


def take_environment(environment):
    os.environb.clear()
    os.environb.update(environment)
    lead_as_told()


def compiled(path, packages, warnings):
    """Return the answer's code, if it begins by importing the packages imported here."""
    if os.listdir(os.path.dirname(os.path.realpath(path))) != ["answer.py"]:
        raise NotAsFresh  # an import could find one of the other files first
    with open(path, "rb") as file:
        source = file.read()
    if any(name in source for name in FINALIZERS):
        raise NotAsFresh
    with warnings.catch_warnings():
        # A fresh process must print the compiler's warnings, as for any file.
        warnings.simplefilter("error")
        tree = compile(source, path, "exec", ONLY_AST, True)
        if not set(packages) <= set(imported_first(tree)):
            raise NotAsFresh
        return compile(source, path, "exec", 0, True)


def imported_first(tree):
    """Yield the packages that a program imports before it does anything else."""
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
    """Put this fork's mark where the system shows a process's environment."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        return  # not Linux
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
    """Make Python read `code` through the descriptor of its main program."""
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
