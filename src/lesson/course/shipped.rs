//! The built-in course, so that an installed program works in any folder.

use std::path::{Path, PathBuf};

use super::files::{Files, Text};
use super::names::{MARKDOWN, is_settings, lessons_among};

/// The folder of its lessons in messages; cannot be mistaken for a real folder.
pub const FOLDER: &str = "<built-in>";

/// Every file of the repository's `lessons`, by its name there.
pub const FILES: &[(&str, &str)] = &[
    ("01-streams.md", include_str!("../../../lessons/01-streams.md")),
    ("02-expirations.md", include_str!("../../../lessons/02-expirations.md")),
    ("03-pubsub.md", include_str!("../../../lessons/03-pubsub.md")),
    ("04-snapshotting.md", include_str!("../../../lessons/04-snapshotting.md")),
    ("05-save-points.md", include_str!("../../../lessons/05-save-points.md")),
    ("06-append-only-file.md", include_str!("../../../lessons/06-append-only-file.md")),
    ("07-backup-and-restore.md", include_str!("../../../lessons/07-backup-and-restore.md")),
    ("README.md", include_str!("../../../lessons/README.md")),
    ("course.toml", include_str!("../../../lessons/course.toml")),
];

/// The same texts as from a folder with these files.
pub(super) fn texts() -> Files<Text> {
    let files: Vec<PathBuf> = FILES.iter().map(|(name, _)| Path::new(FOLDER).join(name)).collect();
    let settings = files.iter().find(|file| is_settings(file)).and_then(text);
    let lessons = lessons_among(&files, MARKDOWN).iter().filter_map(text).collect();
    Files { lessons, settings, problems: Vec::new() }
}

fn text(file: &PathBuf) -> Option<Text> {
    let found = FILES.iter().find(|(name, _)| Path::new(FOLDER).join(name) == *file);
    found.map(|(_, text)| (file.clone(), (*text).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::Course;
    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons")
    }

    /// The id and the text of each lesson.
    fn sources(course: &Course) -> Vec<(&str, &str)> {
        let lessons = course.lessons.iter();
        lessons.map(|lesson| (lesson.id.as_str(), lesson.source.as_str())).collect()
    }

    #[test]
    fn every_file_of_the_repositorys_lessons_is_in_the_program() {
        let entries = std::fs::read_dir(repository()).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<(String, String)> = entries
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        found.sort();
        let built_in = FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        assert_eq!(found, built_in.collect::<Vec<(String, String)>>());
    }

    #[test]
    fn the_built_in_course_differs_from_the_one_in_the_repository_only_in_its_paths() {
        let (built_in, warnings) = Course::shipped().unwrap();
        let (course, _) = Course::load(&repository()).unwrap();
        assert_eq!(sources(&built_in), sources(&course));
        assert_eq!(built_in.title, course.title);
        assert_eq!(built_in.server_versions, course.server_versions);
        assert!(warnings.is_empty());
        let place = built_in.lessons[0].path.display().to_string();
        assert!(place.starts_with("<built-in>/"), "{place}");
    }
}
