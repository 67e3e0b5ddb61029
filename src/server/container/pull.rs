//! The progress of pulling an image, in bytes and layers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt as _};
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::CreateImageInfo;

use crate::error::with_sources;
use crate::progress_event::{ProgressEvent, TICK, seconds};

/// A pull fails after this time without progress.
const SILENCE: Duration = Duration::from_secs(60);
/// The engine reports every layer ten times a second, which is too often to read.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Follows a pull to its end and reports the progress; an error has the engine's reason.
pub(super) async fn follow(
    mut steps: impl Stream<Item = Result<CreateImageInfo, Error>> + Unpin,
    reference: &str,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<(), String> {
    let mut layers = Layers::default();
    let began = Instant::now();
    let (mut heard, mut reported) = (began, None);
    loop {
        match tokio::time::timeout(TICK, steps.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(step)) => {
                layers.take(&step.map_err(|error| cannot_pull(reference, &with_sources(&error)))?);
                heard = Instant::now();
            }
            Err(_elapsed) if heard.elapsed() > SILENCE => {
                let why = format!("no progress for {} s", SILENCE.as_secs());
                return Err(cannot_pull(reference, &why));
            }
            Err(_elapsed) => {}
        }
        if reported.is_none_or(|reported: Instant| reported.elapsed() >= REPORT_INTERVAL) {
            let progress = layers.progress().unwrap_or_else(|| seconds(began.elapsed()));
            report(ProgressEvent::Status(&format!("pulling the image `{reference}`: {progress}")));
            reported = Some(Instant::now());
        }
    }
}

fn cannot_pull(reference: &str, why: &str) -> String {
    format!("the image `{reference}` can't be pulled: {why}")
}

/// The layers that the engine has named so far, by their ids.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Debug, Default)]
struct Layer {
    /// Downloaded bytes and all bytes; `None` until its download begins.
    bytes: Option<(u64, u64)>,
    /// Downloaded, but maybe not yet unpacked.
    is_here: bool,
    is_done: bool,
    /// It was on the engine before, so it is not downloaded.
    was_here: bool,
}

impl Layers {
    /// The engine's status texts; unknown ones change nothing.
    fn take(&mut self, step: &CreateImageInfo) {
        let status = step.status.as_deref().unwrap_or_default();
        let Some(id) = step.id.as_ref().filter(|_| !status.starts_with("Pulling from")) else {
            return;
        };
        let layer = self.0.entry(id.clone()).or_default();
        match status {
            "Downloading" => layer.bytes = bytes(step).or(layer.bytes),
            "Verifying Checksum" | "Download complete" | "Extracting" => layer.is_here = true,
            "Pull complete" => (layer.is_here, layer.is_done) = (true, true),
            "Already exists" => (layer.was_here, layer.is_done) = (true, true),
            _ => {}
        }
    }

    /// `12.3 of 45.6 MB, 3 of 7 layers`; `None` before there is a layer.
    fn progress(&self) -> Option<String> {
        let all = self.0.len();
        let done = self.0.values().filter(|layer| layer.is_done).count();
        let new: Vec<&Layer> = self.0.values().filter(|layer| !layer.was_here).collect();
        let total: u64 = new.iter().filter_map(|layer| layer.bytes).map(|(_, total)| total).sum();
        let here: u64 = new.iter().map(|layer| layer.bytes_here()).sum();
        let mut progress = String::new();
        if total > 0 {
            // The size of a layer is unknown until its download begins.
            let is_all = new.iter().all(|layer| layer.bytes.is_some() || layer.is_here);
            let of = if is_all { "of" } else { "of at least" };
            let _ = write!(progress, "{} {of} {} MB, ", megabytes(here), megabytes(total));
        }
        let _ = write!(progress, "{done} of {all} layers");
        (all > 0).then_some(progress)
    }
}

impl Layer {
    fn bytes_here(&self) -> u64 {
        let (here, total) = self.bytes.unwrap_or_default();
        if self.is_here { total } else { here.min(total) }
    }
}

fn bytes(step: &CreateImageInfo) -> Option<(u64, u64)> {
    let detail = step.progress_detail.as_ref()?;
    Some((u64::try_from(detail.current?).ok()?, u64::try_from(detail.total?).ok()?))
}

/// In millions of bytes, as `docker pull` counts.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::block_on;
    use futures_util::stream;
    use std::cell::RefCell;
    use testcontainers::bollard::models::ProgressDetail;

    fn step(id: &str, status: &str, bytes: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: Some(ProgressDetail {
                current: bytes.map(|(current, _)| current),
                total: bytes.map(|(_, total)| total),
            }),
            ..CreateImageInfo::default()
        }
    }

    /// The progress after each of these steps.
    fn progress_after(steps: &[CreateImageInfo]) -> Vec<String> {
        let mut layers = Layers::default();
        let mut all = Vec::new();
        for step in steps {
            layers.take(step);
            all.push(layers.progress().unwrap_or_default());
        }
        all
    }

    #[test]
    fn bytes_and_layers_are_summed_up() {
        let progress = progress_after(&[
            step("8.10.2", "Pulling from library/redis", None),
            step("c1f2", "Already exists", None),
            step("9a0b", "Pulling fs layer", None),
            step("77de", "Pulling fs layer", None),
            step("77de", "Waiting", None),
            step("9a0b", "Downloading", Some((12_300_000, 29_100_000))),
            step("77de", "Downloading", Some((700_000, 16_500_000))),
            step("9a0b", "Verifying Checksum", None),
            step("9a0b", "Extracting", Some((327_680, 29_100_000))),
            step("9a0b", "Pull complete", None),
        ]);
        assert_eq!(
            progress,
            [
                "",
                "1 of 1 layers",
                "1 of 2 layers",
                "1 of 3 layers",
                "1 of 3 layers",
                "12.3 of at least 29.1 MB, 1 of 3 layers",
                "13.0 of 45.6 MB, 1 of 3 layers",
                "29.8 of 45.6 MB, 1 of 3 layers",
                "29.8 of 45.6 MB, 1 of 3 layers",
                "29.8 of 45.6 MB, 2 of 3 layers",
            ]
        );
    }

    #[test]
    fn steps_without_a_layer_and_odd_numbers_change_nothing() {
        let digest = CreateImageInfo {
            status: Some("Digest: sha256:5f0c".to_owned()),
            ..CreateImageInfo::default()
        };
        let steps = [
            step("9a0b", "Downloading", Some((5_000_000, 10_000_000))),
            step("9a0b", "Downloading", Some((-1, 10_000_000))),
            step("9a0b", "Retrying in 5 seconds", None),
            digest,
        ];
        let progress = progress_after(&steps);
        assert!(progress.iter().all(|text| text == "5.0 of 10.0 MB, 0 of 1 layers"));
    }

    /// The reported progress of a pull, and its result.
    fn followed(steps: Vec<Result<CreateImageInfo, Error>>) -> (Vec<String>, Result<(), String>) {
        let reports = RefCell::new(Vec::new());
        let report = |event: ProgressEvent<'_>| {
            if let ProgressEvent::Status(text) = event {
                reports.borrow_mut().push(text.to_owned());
            }
        };
        let end = block_on(follow(stream::iter(steps), "redis:8.10.2", &report));
        (reports.into_inner(), end)
    }

    #[test]
    fn a_pull_reports_the_image_and_its_progress() {
        let (reports, end) =
            followed(vec![Ok(step("9a0b", "Downloading", Some((1_000_000, 2_000_000))))]);
        assert_eq!(end, Ok(()));
        assert_eq!(reports, ["pulling the image `redis:8.10.2`: 1.0 of 2.0 MB, 0 of 1 layers"]);
    }

    #[test]
    fn a_pull_that_fails_says_why_at_once() {
        let error = "toomanyrequests: You have reached your pull rate limit".to_owned();
        let steps = vec![
            Ok(step("9a0b", "Pulling fs layer", None)),
            Err(Error::DockerStreamError { error }),
            Ok(step("9a0b", "Pull complete", None)),
        ];
        let (reports, end) = followed(steps);
        let why = end.unwrap_err();
        assert!(why.starts_with("the image `redis:8.10.2` can't be pulled: "), "{why}");
        assert!(why.contains("toomanyrequests"), "{why}");
        assert_eq!(reports, ["pulling the image `redis:8.10.2`: 0 of 1 layers"]);
    }

    #[test]
    fn the_seconds_are_reported_while_a_registry_is_silent() {
        let reports = RefCell::new(Vec::new());
        let report = |event: ProgressEvent<'_>| reports.borrow_mut().push(format!("{event:?}"));
        let limit = Duration::from_millis(700);
        let silent = follow(stream::pending(), "redis:9", &report);
        assert!(block_on(async { tokio::time::timeout(limit, silent).await }).is_err());
        let reports = reports.into_inner();
        assert!(reports.len() >= 2, "{reports:?}");
        assert!(reports[0].contains("pulling the image `redis:9`: 0 s"), "{reports:?}");
    }
}
