//! What stands in a folder beside its lessons, and what lessons link to.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::lesson::Course;

/// A folder with these files, whose texts are `text`.
fn folder(files: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "text").unwrap();
    }
    folder
}

/// The problems of a folder, without its path.
fn told_of(folder: &Path) -> Vec<String> {
    let problems = match Course::load(folder) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    let told = problems.iter().map(|problem| format!("{}: {}", problem.place(), tell(problem)));
    told.map(|told| told.replace(&folder.display().to_string(), "DIR")).collect()
}

#[test]
fn numbers_in_names_count_as_numbers() {
    let folder = folder(&["unit-10.md", "unit-2.md", "1.10-b.md", "1.9-a.md", "3-x.md", "20-y.md"]);
    let (course, _) = Course::load(folder.path()).unwrap();
    let ids: Vec<&str> = course.lessons.iter().map(|lesson| lesson.id.as_str()).collect();
    assert_eq!(ids, ["x", "y", "1.9-a", "1.10-b", "unit-2", "unit-10"]);
}

#[test]
fn a_folder_whose_lessons_stand_below_says_where() {
    let below = folder(&["EXPECTED.txt", "mod1/01-x.md", "README.md", ".git/a.md"]);
    assert_eq!(
        told_of(below.path()),
        ["DIR: the folder has no lessons (lessons stand in `mod1`: give that folder, \
          `--lessons DIR/mod1`)"]
    );
    let pages = folder(&["01-strings/README.md", "02-lists/README.md"]);
    assert_eq!(
        told_of(pages.path()),
        ["DIR: the folder has no lessons (lessons stand in `01-strings/README.md` and \
          `02-lists/README.md`: give one file, `--lessons DIR/01-strings/README.md`)"]
    );
    let deep = folder(&["docs/en/a/1.md", "docs/en/b/1.md", "docs/en/c/1.md", "docs/en/d/1.md"]);
    assert!(
        told_of(deep.path())[0].contains("`docs/en/a`, `docs/en/b` and `docs/en/c` and 1 more")
    );
}

#[test]
fn lessons_below_are_told_beside_others() {
    let folder = folder(&["01-a.md", "mod1/01-x.md", "img/README.md", "02-b/README.md", "c/d.txt"]);
    assert_eq!(
        told_of(folder.path()),
        [
            "DIR: warning: what stands in `mod1` and `02-b/README.md` is not loaded (a course is one \
          folder: move lessons up, or give their folder with `--lessons`)"
        ]
    );
}

#[test]
fn files_that_look_like_lessons_are_told() {
    let folder = folder(&["01-a.md", "02-b.txt", "notes.txt", "c.mdx", "d.py", "10-e.rst"]);
    let help = "(a lesson's name ends in `.md`; if it is none, put it into another folder)";
    let expected = ["02-b.txt", "10-e.rst", "c.mdx"]
        .map(|name| format!("DIR/{name}: warning: not loaded {help}"));
    assert_eq!(told_of(folder.path()), expected);
}

#[test]
fn links_that_lead_nowhere_are_told() {
    let folder = folder(&["02-b.md", "img/a b.png"]);
    let text = "# Saving, data\n\n[a](02-b.md) [b](03-c.md#x) ![i](img/a%20b.png) ![j](img/c.png)\n\n\
                ## Then\n\n[c](#saving-data) [d](#nothing) [e](https://a.b/c) [f](02-b.md#then)\n\n\
                [g](/root) [h]({{ url }}) <a id=\"here\"></a>[i](#here) [k][ref] [l](02-b)\n\n\
                [ref]: gone.md\n";
    fs::write(folder.path().join("01-a.md"), text).unwrap();
    let told = told_of(folder.path());
    let link = "(a relative link begins in the folder of its lesson)";
    let anchor = "(an anchor is the heading in lower case, with `-` for spaces)";
    let expected = [
        ("3:14", format!("the link leads nowhere: there is no `03-c.md` {link}")),
        ("3:49", format!("the image leads nowhere: there is no `img/c.png` {link}")),
        ("7:19", format!("the link leads nowhere: no heading gives `#nothing` {anchor}")),
        ("7:52", format!("the link leads nowhere: no heading gives `#then` {anchor}")),
        ("9:55", format!("the link leads nowhere: there is no `gone.md` {link}")),
    ]
    .map(|(place, told)| format!("DIR/01-a.md:{place}: warning: {place}: {told}"));
    assert_eq!(told, expected);
}

#[test]
fn a_carriage_return_ends_a_line_in_a_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.md"), "# A\r\rtext\r\n## B\r").unwrap();
    let (course, _) = Course::load(folder.path()).unwrap();
    assert_eq!(course.lessons[0].source, "# A\n\ntext\n## B\n");
    assert_eq!(
        told_of(folder.path()),
        [
            "DIR/a.md:1:4: warning: 1:4: a carriage return without a line feed is read as the end of \
          a line (save the file with Unix line endings)"
        ]
    );
}

#[test]
fn utf16_is_known_by_its_mark() {
    let folder = TempDir::new().unwrap();
    let text = "\u{feff}# Caf\u{e9}\n";
    let [le, be] = [u16::to_le_bytes, u16::to_be_bytes]
        .map(|bytes| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>());
    for bytes in [le, be] {
        fs::write(folder.path().join("a.md"), bytes).unwrap();
        let (course, _) = Course::load(folder.path()).unwrap();
        assert_eq!(course.lessons[0].title, "Caf\u{e9}");
        assert_eq!(
            told_of(folder.path()),
            ["DIR/a.md:1:1: warning: 1:1: the file is UTF-16 (save the file as UTF-8)"]
        );
    }
}
