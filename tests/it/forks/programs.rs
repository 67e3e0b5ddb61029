//! Programs that must behave the same in a fork and in a fresh process. Each begins with
//! `import redis`, except those about how Python reads a file.
//!
//! A fork may differ for programs that look at what is imported already, at the frames below their
//! own, at the garbage collector or at Ctrl-C's traceback, and in how Python words a wrong
//! encoding.

/// Programs that look at their surroundings: globals, environment, files, signals, modules.
pub const SURROUNDINGS: &[&str] = &[
    "print(__name__, __doc__, __package__, __spec__, __annotations__, __builtins__, \
     sorted(globals()))",
    "import os, sys\n\
     print(__file__, __cached__)\n\
     print(sys.argv, sys.path, sys.executable, sys.flags, sys.prefix)\n\
     print(os.getcwd(), os.listdir('.'))",
    "import os\nfor name, value in os.environ.items(): print(name, '=', value)\n\
     print(os.environb[b'PATH'])",
    "import os, subprocess\nprint(subprocess.run(['env'], capture_output=True, text=True).stdout)\n\
     print(os.popen('echo $REDIS_PORT $REDISLINGS_ATTEMPT').read())",
    "import signal\n\
     for number in sorted(signal.valid_signals()): print(number, signal.getsignal(number))\n\
     print(signal.set_wakeup_fd(-1), signal.pthread_sigmask(signal.SIG_BLOCK, []), \
     signal.getitimer(signal.ITIMER_REAL), signal.alarm(0), signal.sigpending())",
    "import sys\n\
     print(sys.stdin.read(), sys.stdin, sys.stdout, sys.stderr, sys.__stdout__ is sys.stdout)\n\
     for stream in (sys.stdin, sys.stdout, sys.stderr): print(stream.encoding, stream.errors, \
     stream.isatty(), stream.seekable(), stream.line_buffering, stream.write_through, \
     stream.fileno(), type(stream.buffer))",
    "import os, threading, locale, warnings, logging\n\
     print(threading.enumerate(), threading.main_thread() is threading.current_thread(), \
     threading.current_thread().ident == threading.get_ident())\n\
     print(locale.setlocale(locale.LC_ALL), warnings.filters, logging.root.handlers, \
     logging.root.level)\n\
     print(os.umask(0), os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid(), \
     os.getpriority(os.PRIO_PROCESS, 0))",
    "import resource\nfor name in sorted(dir(resource)):\n    \
     if name.startswith('RLIMIT'): print(name, resource.getrlimit(getattr(resource, name)))",
    "import socket, _socket\n\
     print(socket.socket.__mro__, _socket.socket is socket.socket.__mro__[1], \
     socket.socket.connect, _socket.getaddrinfo)",
    "import os\ntry: print(os.wait())\nexcept ChildProcessError as error: print(error)",
    "import os, sys\nsys.path.insert(0, '.')\nopen('helper.py', 'w').write('value = 3')\n\
     import helper\nprint(helper.value, helper.__file__)",
    "import sitecustomize\n\
     print(sitecustomize.OURS, sitecustomize.HERE, sorted(vars(sitecustomize)))",
];

/// What Python says about exceptions, and how it ends.
pub const ENDINGS: &[&str] = &[
    "",
    "raise ValueError('here')",
    "def f(): g()\ndef g():\n    try: 1 / 0\n    \
     except ZeroDivisionError as error: raise KeyError('x') from error\nf()",
    "try: 1 / 0\nexcept ZeroDivisionError: undefined_name",
    "try: 1 / 0\nfinally: print('finally')",
    "raise ExceptionGroup('many', [ValueError(1), TypeError('two')])",
    "class Mine(Exception):\n    def __str__(self): raise RuntimeError('no')\nraise Mine()",
    "e = ValueError('noted')\ne.add_note('a note')\nraise e",
    "raise SystemExit",
    "raise SystemExit(3)",
    "raise SystemExit('a text')",
    "raise SystemExit(None)",
    "raise SystemExit([1, 2])",
    "raise SystemExit(-1)",
    "raise SystemExit(1 << 70)",
    "import sys\nsys.exit(256 + 7)",
    "quit(4)",
    "raise GeneratorExit",
    "import os\nos._exit(5)",
    "import os, signal\nprint('before')\nos.kill(os.getpid(), signal.SIGTERM)",
    "import os\nos.abort()",
    "import os, signal\nos.killpg(0, signal.SIGKILL)",
    "import signal, time\nsignal.alarm(1)\ntime.sleep(5)",
    "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *it: print('got it', it[0]))\n\
     os.kill(os.getpid(), signal.SIGUSR1)",
    "import sys\nsys.stderr = None\nraise ValueError(1)",
    "import sys\nsys.tracebacklimit = 0\nraise ValueError(1)",
    "import atexit\natexit.register(print, 'last')\nprint('first')\nraise ValueError",
    "import atexit\ndef bad(): raise ValueError('at exit')\natexit.register(bad)",
    "import atexit, sys\natexit.register(lambda: sys.exit(9))",
    "import sys\nsys.stdout.write('no newline')",
    "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\n')\nprint('\\udc80 ü')",
    "import sys\nsys.stdout.close()\nprint('x')",
    "import sys\nsys.stdout.close()",
    "import sys\nwith sys.stdout: print('y')",
    "import sys\nsys.stderr.close()",
    "import sys\nsys.stdout.detach()",
    "import sys\ndel sys.stdout",
    "import sys, os\nprint('x', end='')\nos.close(1)",
    "import builtins\nbuiltins.map = None",
    "class Loud(type):\n    def __getattr__(self, name): print(name)\n\
     class Mine(metaclass=Loud): pass\nmine = Mine()",
    "import os\nos.close(1)\nprint('x')",
    "import os\nos.close(1)\nos.close(2)",
    "import sys\nsys.stdout = open('out', 'w')\nprint('x')\nraise ValueError",
    "class Late:\n    def __del__(self): print('deleted', __name__)\nlate = Late()",
    "class Late:\n    def __del__(self): raise ValueError('unraisable')\nlate = Late()\ndel late",
    "class Late:\n    def __del__(self): print(late, __name__, len(others))\n\
     others = [Late(), Late()]\nlate = 'is here'\ndef f(): return others",
    "class Late:\n    __slots__ = ()\n    def __del__(self): print('without a dict')\n\
     redis.Redis.mine = Late()",
    "import threading, time\ndef work():\n    time.sleep(0.2)\n    print('worked', redis)\n\
     threading.Thread(target=work).start()\nprint('main is over')",
    "import threading, time\ndef work():\n    while True: time.sleep(0.01)\n\
     threading.Thread(target=work, daemon=True).start()\nprint('main is over')",
    "import threading\nthreading._register_atexit(print, 'threads are over')",
    "import concurrent.futures\npool = concurrent.futures.ThreadPoolExecutor()\n\
     pool.submit(print, 'pooled')",
    "import multiprocessing.util\nmultiprocessing.util.Finalize(None, print, ['finalized'], \
     exitpriority=1)",
    "f = open('kept.txt', 'w')\nf.write('not closed')\nimport atexit\ndef look():\n    \
     print(repr(open('kept.txt').read()))\nredis.Redis.mine = look\n",
    "import functools\n@functools.lru_cache\ndef f(a): return a\nclass Late:\n    \
     def __del__(self): print('cached')\nf(Late())",
    "import asyncio\nasync def main(): return 1\nasyncio.run(main())\nprint('ran')",
    "import asyncio\nasync def main():\n    async with redis.asyncio.Redis(port=1) as r: pass\n\
     asyncio.run(main())",
    "import tempfile, os\nf = tempfile.NamedTemporaryFile(dir='.')\nd = tempfile.TemporaryDirectory(dir='.')\n\
     print(len(os.listdir('.')))",
    "class Late:\n    def __del__(self): print('cycle')\na = Late()\na.a = a\nredis.Redis.mine = a",
    "class Late:\n    def __del__(self): print('kept elsewhere')\n\
     import builtins\nbuiltins.late = Late()",
    "class Late:\n    def __del__(self): print('of a new module', flush=True)\n\
     import wave\nwave.late = Late()",
    "import os\nnames = os.fork() or 'child'\n\
     if names != 'child': os.waitpid(names, 0)\n\
     f = open('kept.txt', 'a')\nf.write('not flushed ')\n\
     import atexit\natexit.register(lambda: f.close() or print(open('kept.txt').read()))",
    "import os, builtins\nbuiltins.f = open(os.dup(1), 'w')\nf.write('at the end')",
    "import os\nf = open(os.dup(1), 'w')\nf.write('at the end')\ndef g(): f",
    "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach())\nprint('detached')",
    "import sys\nsys.stdout = io = type('Loud', (), {'write': lambda s, t: None, 'closed': False, \
     'flush': lambda s: sys.stderr.write('flushed\\n')})()\nprint('x')",
    "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalized')",
    "async def never(): pass\nnever()\nkept = never()",
    "def counting():\n    try: yield 1\n    finally: print('closed')\nrunning = counting()\n\
     next(running)",
    "raise SystemExit(True)",
    "raise SystemExit(-(1 << 63))",
    "import warnings, sys\nwarnings.warn_explicit('x', UserWarning, 'f.py', 3)\n\
     open('left-open', 'w')",
    "import logging\nlogging.warning('w')\nlogging.getLogger('x').info('i')",
    "import sys\nsys.modules['__main__'] = None\nraise ValueError",
    "import os\nos.environ['PYTHONINSPECT'] = '1'\nprint('x')",
    "exec(compile('raise ValueError(1)', 'inner', 'exec'))",
    "import runpy\n\
     runpy.run_path(__file__, run_name='other') if __name__ == '__main__' else print(__name__)",
    "import ctypes\nctypes.string_at(0)",
    "breakpoint()",
    "input()",
    "import time\nprint(time.process_time() < 60, time.perf_counter() > 0)",
    "import code\ncode.interact(local={})",
    "a = 'x y z'\nb = 'x y z'\ndef f(): return 'x y z'\n\
     print(a is b, a is f(), (1, 2.5) is (1, 2.5 + 0), f.__code__.co_filename, \
     f.__code__.co_flags)",
    "print(redis.Redis(host='127.0.0.1', port=1).ping())",
    "redis.Redis(unix_socket_path='/nowhere').ping()",
];

/// Threads, tasks and other processes.
pub const BESIDES: &[&str] = &[
    "import threading, time\n\
     threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\nprint('main')",
    "import threading, time\nthreading.Thread(target=lambda: time.sleep(60), daemon=True).start()\n\
     print('main')",
    "import threading\ndef bad(): raise ValueError('in a thread')\n\
     t = threading.Thread(target=bad)\nt.start()\nt.join()",
    "import threading\n\
     t = threading.Thread(target=lambda: print(threading.current_thread().name))\nt.start()\n\
     t.join()\nprint(threading.active_count())",
    "import _thread, time\n_thread.start_new_thread(lambda: 1 / 0, ())\ntime.sleep(0.2)",
    "from concurrent.futures import ThreadPoolExecutor\n\
     with ThreadPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, -2])))",
    "from concurrent.futures import ProcessPoolExecutor\nif __name__ == '__main__':\n    \
     with ProcessPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, -2])))",
    "import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    \
     raise ValueError('in a task')\nasyncio.run(main())",
    "import asyncio\nasync def main():\n    \
     process = await asyncio.create_subprocess_exec('echo', 'hi', \
     stdout=asyncio.subprocess.PIPE)\n    print(await process.communicate(), process.returncode)\n\
     asyncio.run(main())",
    "import asyncio\nasync def f(): pass\nf()",
    "import multiprocessing as m\ndef work(q): q.put(__name__)\nif __name__ == '__main__':\n    \
     for way in ('fork', 'spawn', 'forkserver'):\n        c = m.get_context(way)\n        \
     q = c.Queue()\n        p = c.Process(target=work, args=(q,))\n        p.start()\n        \
     print(way, q.get(), p.join(), p.exitcode)",
    "import multiprocessing as m\ndef work(): raise ValueError('in a process')\n\
     if __name__ == '__main__':\n    \
     p = m.get_context('fork').Process(target=work, name='it')\n    p.start()\n    p.join()\n    \
     print(p.exitcode)",
    "import subprocess, sys\n\
     print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv, sys.path[0]); \
     sys.exit(3)']))",
    "import subprocess\nprint(subprocess.run('exit 3', shell=True).returncode)\n\
     subprocess.run(['false'], check=True)",
    "import subprocess\nsubprocess.run(['cat'])\n\
     subprocess.run(['sh', '-c', 'ls /dev/fd | wc -l; echo err >&2'])",
    "import os\nif os.fork() == 0:\n    print('child')\n    os._exit(0)\nprint(os.wait()[1])",
    "import os, sys\nif os.fork() == 0: sys.exit(4)\n\
     print(os.waitstatus_to_exitcode(os.wait()[1]))",
    "import os, sys\nos.execv('/bin/echo', ['echo', 'gone'])",
    "import os, sys\n\
     os.execve(sys.executable, [sys.executable, '-c', 'import os; print(sorted(os.environ))'], {})",
    "import signal, subprocess\np = subprocess.Popen(['sleep', '60'])\n\
     p.send_signal(signal.SIGTERM)\nprint(p.wait())",
    "import tempfile, os, uuid, secrets\n\
     print(len(uuid.uuid4().hex), os.path.dirname(tempfile.mkdtemp(dir='.')) == os.getcwd())",
    "import sqlite3, ssl, json, hashlib, decimal, ctypes, zlib\n\
     print(hashlib.sha1(b'x').hexdigest(), decimal.Decimal(1) / 3, \
     ssl.create_default_context().check_hostname)",
];

/// Programs about how Python reads a file; nothing is inserted before them.
pub const READING: &[&[u8]] = &[
    b"",
    b"# nothing\n",
    b"print(__name__)",
    b"x = = 1\n",
    b"import redis\nx = (1,\n",
    b"import redis\ndef f():\nprint(1)\n",
    b"import redis\nif 1:\n\tx = 1\n        y = 2\n",
    b"import redis\nx = 'unclosed\n",
    b"import redis\nx = '''unclosed\n",
    b"import redis\nreturn 1\n",
    b"import redis\nbreak\n",
    b"import redis\nx = 1 is 1\n",
    b"import redis\nprint('\\d')\n",
    b"import redis\nassert (1, 'x')\n",
    b"# -*- coding: latin-1 -*-\nimport redis\nprint('\xe4')\n",
    b"# coding: utf-8\nimport redis\nprint('\xc3\xa4')\nraise ValueError('\xc3\xa4')\n",
    b"\xef\xbb\xbfimport redis\nprint(1)\nraise ValueError\n",
    b"import redis\r\nprint('''a\r\nb'''.encode())\r\nraise ValueError\r\n",
    b"import redis\rprint('''a\rb'''.encode())\rraise ValueError\r",
    b"\x0cimport redis\n\x0cprint(1)\n",
    b"#!/usr/bin/env python3\n'''A docstring.'''\nfrom __future__ import annotations\n\
      import redis\nx: nothing = 1\nprint(__doc__, __annotations__)\n",
    b"import redis\nfrom __future__ import annotations\n",
    b"import redis as r, os\nprint(r.__name__, os.name)\n",
    b"from redis import Redis\nprint(Redis)\n",
    b"import redis.asyncio\nprint(redis)\n",
    b"import nothing_like_it\nimport redis\n",
    b"import redis\nclass A:\n  def f(self):\n    raise ValueError(self.__class__.__qualname__)\n\
      A().f()",
    b"import redis\nx = [\n  1,\n  2 / 0,\n]\n",
];
