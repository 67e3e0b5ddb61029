use super::*;

/// A package, a program and a link, recorded.
fn recorded() -> (tempfile::TempDir, Tree) {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("entry");
    fs::create_dir_all(root.join("lib/redis/__pycache__")).unwrap();
    fs::create_dir(root.join("wheels")).unwrap();
    fs::write(root.join("lib/redis/client.py"), "import socket\n").unwrap();
    fs::write(root.join("lib/redis/__pycache__/client.pyc"), "compiled").unwrap();
    fs::write(root.join("server"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.join("server"), Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("server", root.join("python")).unwrap();
    let tree = Tree::record(&root).unwrap();
    (above, tree)
}

/// The path that must be reported, and the change below the root.
type TreeChange = (&'static str, fn(&Path));

/// The ways in which an answer may change the tree.
const CHANGES: [TreeChange; 12] = [
    ("lib/redis/client.py", |root| {
        let mut file = OpenOptions::new().append(true).open(root.join("lib/redis/client.py"));
        file.as_mut().unwrap().write_all(b"import atexit\n").unwrap();
    }),
    ("lib/redis/client.py", |root| {
        fs::write(root.join("lib/redis/client.py"), "import SOCKET\n").unwrap();
    }),
    ("lib/redis/__pycache__/client.pyc", |root| {
        fs::write(root.join("lib/redis/__pycache__/client.pyc"), "COMPILED").unwrap();
    }),
    ("lib/zz.pth", |root| fs::write(root.join("lib/zz.pth"), "import os\n").unwrap()),
    ("lib/redis/socket", |root| fs::create_dir(root.join("lib/redis/socket")).unwrap()),
    ("lib/pipe", |root| {
        nix::unistd::mkfifo(&root.join("lib/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }),
    ("python", |root| {
        fs::remove_file(root.join("python")).unwrap();
        std::os::unix::fs::symlink("/bin/true", root.join("python")).unwrap();
    }),
    ("server", |root| fs::remove_file(root.join("server")).unwrap()),
    ("server", |root| {
        fs::set_permissions(root.join("server"), Permissions::from_mode(0o777)).unwrap();
    }),
    ("server", |root| {
        fs::remove_file(root.join("server")).unwrap();
        fs::create_dir_all(root.join("server/deeper")).unwrap();
    }),
    ("lib", |root| {
        fs::rename(root.join("lib"), root.with_file_name("elsewhere")).unwrap();
        std::os::unix::fs::symlink("../elsewhere", root.join("lib")).unwrap();
    }),
    ("", |root| fs::set_permissions(root, Permissions::from_mode(0o775)).unwrap()),
];

#[test]
fn what_was_recorded_is_loaded() {
    let (_above, tree) = recorded();
    let loaded = Tree::load(tree.root()).unwrap();
    assert!(loaded.entries.keys().eq(tree.entries.keys()));
}

#[test]
fn every_change_is_seen_when_it_is_loaded() {
    for (path, change) in CHANGES {
        let (_above, tree) = recorded();
        change(tree.root());
        let mismatch = Tree::load(tree.root()).unwrap_err();
        assert_eq!(mismatch, Mismatch::Changed(PathBuf::from(path)));
    }
}

#[test]
fn every_change_is_mended_from_memory() {
    for (path, change) in CHANGES {
        let (_above, mut tree) = recorded();
        assert_eq!(tree.differences(), Vec::<PathBuf>::new());
        change(tree.root());
        assert!(tree.differences().contains(&PathBuf::from(path)), "{path}");
        tree.mend().unwrap();
        assert_eq!(tree.differences(), Vec::<PathBuf>::new(), "{path}");
        assert!(Tree::load(tree.root()).is_ok(), "{path}");
    }
}

#[test]
fn a_manifest_that_was_changed_too_is_mended_from_memory() {
    let (_above, mut tree) = recorded();
    fs::write(tree.root().join("lib/zz.pth"), "import os\n").unwrap();
    Tree::record(tree.root()).unwrap();
    assert!(Tree::load(tree.root()).is_ok());
    tree.mend().unwrap();
    assert!(!tree.root().join("lib/zz.pth").exists());
    assert!(Tree::load(tree.root()).is_ok());
}

#[test]
fn a_change_that_leaves_size_and_time_alone_is_seen() {
    let (_above, mut tree) = recorded();
    let client = tree.root().join("lib/redis/client.py");
    let before = fs::metadata(&client).unwrap();
    std::thread::park_timeout(2 * TIME_STEP);
    assert!(tree.differences().is_empty());
    fs::write(&client, "import SOCKET\n").unwrap();
    let file = OpenOptions::new().write(true).open(&client).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(tree.differences(), [PathBuf::from("lib/redis/client.py")]);
}

#[test]
fn a_removed_tree_is_mended() {
    let (above, mut tree) = recorded();
    remove(above.path()).unwrap();
    assert_eq!(Tree::load(tree.root()).unwrap_err(), Mismatch::NotInstalled);
    fs::create_dir(above.path()).unwrap();
    tree.mend().unwrap();
    assert!(Tree::load(tree.root()).is_ok());
}

#[test]
fn what_is_recorded_is_private() {
    let (_above, tree) = recorded();
    for (path, metadata) in walk(tree.root()) {
        let is_open = !metadata.is_symlink() && metadata.mode() & 0o077 != 0;
        assert!(!is_open, "{}: {:o}", path.display(), metadata.mode());
    }
}

#[test]
fn wheels_are_left_alone() {
    let (_above, mut tree) = recorded();
    fs::write(tree.root().join("wheels/redis.whl"), "new").unwrap();
    tree.mend().unwrap();
    assert!(Tree::load(tree.root()).is_ok() && tree.root().join("wheels/redis.whl").exists());
}
