"""Python loads this module at start-up when `redislings` runs a lesson.

An answer may use `localhost:6379`.  This module redirects every connection to
port 6379, under any host name or address, to the lesson's own Redis server
(REDIS_HOST:REDIS_PORT), so no other Redis on this computer is ever touched.
Other ports and Unix sockets are not changed.

A child process that a program starts with its own environment gets the
variables that redirect it too.

Start-up stays cheap: we import only the small C module `_socket`, and replace
the class that `socket.socket` will inherit from before `socket` itself is
imported.  An audit hook refuses connections that bypass this.
"""
import os
import sys
import _socket
from errno import ECONNREFUSED

DEFAULT_PORT = 6379
# Our variables from this process's start, kept in case the program changes os.environ.
OURS = {}
HERE = os.path.dirname(os.path.abspath(__file__))
SHIMS = os.environ.get("REDISLINGS_SHIMS")


def _lead_child(env):
    """Add the variables that redirect a new program to the lesson's server."""
    env.update(OURS)
    for name, folder in (("PYTHONPATH", HERE), ("PATH", SHIMS)):
        rest = env.get(name)
        if folder and not (rest and rest.startswith(folder)):
            env[name] = folder + os.pathsep + rest if rest else folder
    if SHIMS:
        env["REDISLINGS_SHIMS"] = SHIMS


def _install():
    """Refuse port 6379 until the returned function is called with the server's address."""
    host = port = mapped = None
    lesson_hosts = set()
    real, real_getaddrinfo = _socket.socket, _socket.getaddrinfo
    inet, inet6 = _socket.AF_INET, getattr(_socket, "AF_INET6", None)
    families = (inet, inet6)

    def lead(host_, port_):
        nonlocal host, port, mapped
        host, port, mapped = host_, port_, None
        # The address at which an IPv6 socket reaches an IPv4 server.
        try:
            _socket.inet_pton(inet, host or "")
            mapped = "::ffff:" + host
        except (OSError, AttributeError):
            pass
        lesson_hosts.clear()
        lesson_hosts.update({host, mapped} - {None})

    def is_default(number):
        if number.__class__ is not int:
            try:
                number = number.__index__()
            except (AttributeError, TypeError):
                return False
        return number == DEFAULT_PORT

    def is_default_service(service):
        if isinstance(service, (str, bytes)):
            try:
                return int(service) == DEFAULT_PORT
            except ValueError:
                pass
            try:
                if isinstance(service, bytes):
                    service = service.decode("ascii")
                return _socket.getservbyname(service) == DEFAULT_PORT
            except (OSError, ValueError):
                return False
        return is_default(service)

    def lesson(sock, address):
        """Return the address to connect to: the lesson's server for port 6379."""
        if (sock.family not in families or not isinstance(address, tuple)
                or len(address) < 2 or not is_default(address[1])):
            return address
        if host is None:
            return address  # the audit hook refuses it
        if sock.family == inet6:
            if mapped:
                try:
                    sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
                except OSError:
                    pass  # too late for this socket: connect() reports it
                return (mapped, port)
            if ":" not in host:  # a name, which may have only IPv4 addresses
                flags = getattr(_socket, "AI_V4MAPPED", 0)
                found = real_getaddrinfo(host, port, inet6, sock.type, 0, flags)
                lesson_hosts.add(found[0][4][0])
                return found[0][4]
        return (host, port)

    def connect(self, address):
        """connect(address); port 6379 means the lesson's Redis server."""
        return real.connect(self, lesson(self, address))  # redislings: only port 6379 is changed

    def connect_ex(self, address):
        """connect_ex(address); port 6379 means the lesson's Redis server."""
        return real.connect_ex(self, lesson(self, address))  # redislings: only port 6379 is changed

    def getaddrinfo(host_, port_, family=0, type=0, proto=0, flags=0):
        """getaddrinfo(...); port 6379 means the lesson's Redis server."""
        # AI_PASSIVE asks for an address to listen on, not to connect to.
        if (host is not None and not flags & _socket.AI_PASSIVE
                and is_default_service(port_)):
            host_ = mapped if mapped and family == inet6 else host
            port_ = port
        return real_getaddrinfo(host_, port_, family, type, proto, flags)  # redislings: only port 6379 is changed

    base = type("socket", (real,), {
        "__slots__": (), "__module__": "_socket", "__doc__": real.__doc__,
        "connect": connect, "connect_ex": connect_ex, "redislings": staticmethod(lambda: _lead_as_told(lead))})
    _socket.socket, _socket.getaddrinfo = base, getaddrinfo
    done = sys.modules.get("socket")  # a .pth file has imported it already
    if done is not None:
        done.socket.connect, done.socket.connect_ex = connect, connect_ex

    def audit(event, args):
        # "sendto" and "sendmsg" can open a connection too (TCP Fast Open).
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            sock, address = args
            if (isinstance(address, tuple) and len(address) >= 2
                    and is_default(address[1])
                    and sock.family in families
                    and (event == "socket.connect"
                         or sock.type == _socket.SOCK_STREAM)
                    and not (port == DEFAULT_PORT and address[0] in lesson_hosts)):
                raise ConnectionRefusedError(
                    ECONNREFUSED,
                    "redislings: port 6379 is not the lesson's Redis server; "
                    "connect to REDIS_HOST:REDIS_PORT")
        elif event == "subprocess.Popen" and isinstance(args[3], dict):
            _lead_child(args[3])  # Popen reads it after this event
        elif event == "import" and args[0] == "uvloop.loop":
            # It connects from C, out of reach: callers fall back to asyncio.
            raise ImportError("redislings: uvloop cannot be used in a lesson, "
                              "use asyncio's own loop", name="uvloop")

    sys.addaudithook(audit)
    return lead


def _lead_programs():
    """Redirect programs that get their environment from os.execve or os.posix_spawn."""
    def leading(real):
        def start(path, argv, env, **options):
            if isinstance(env, dict):
                env = dict(env)
                _lead_child(env)
            return real(path, argv, env, **options)
        start.__doc__ = real.__doc__
        return start

    for name in ("execve", "posix_spawn", "posix_spawnp"):
        if hasattr(os, name):
            setattr(os, name, leading(getattr(os, name)))


def _run_next():
    """Run the sitecustomize that this one hides, as Python would have done."""
    from _frozen_importlib_external import PathFinder
    here = os.path.realpath(os.path.dirname(__file__))
    same = [os.path.realpath(entry or ".") == here for entry in sys.path]
    start = same.index(True) + 1 if True in same else 0
    rest = [entry for entry, ours in zip(sys.path[start:], same[start:]) if not ours]
    spec = PathFinder.find_spec("sitecustomize", rest)
    if spec is None or spec.loader is None:
        return
    from _frozen_importlib import module_from_spec
    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)  # `site` reports an error, as it always does


def _lead_as_told(lead):
    """Redirect to the server that the environment names now."""
    OURS.clear()
    OURS.update((name, os.environ[name]) for name in
                ("REDIS_HOST", "REDIS_PORT", "REDISLINGS_ATTEMPT",
                 "REDISLINGS_CONTROL") if name in os.environ)
    try:
        lead(os.environ.get("REDIS_HOST") or "127.0.0.1", int(os.environ.get("REDIS_PORT", "")))
    except ValueError:
        lead(None, None)  # a child with a bare environment: refuse 6379


if not hasattr(_socket.socket, "redislings"):
    _lead = _install()
    _lead_programs()
    _lead_as_told(_lead)
_run_next()
