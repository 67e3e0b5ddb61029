//! An image on its way to the engine: how far it is, in bytes and layers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt as _};
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::CreateImageInfo;

use crate::error::with_sources;
use crate::telling::{TICK, Told, seconds};

const SILENCE: Duration = Duration::from_secs(60);
/// The engine tells of every layer ten times a second; nobody reads that.
const TELL_AGAIN: Duration = Duration::from_millis(100);

/// Follows a pull to its end, and tells how far it is; a failure is told with the engine's reason.
pub(super) async fn follow(
    mut steps: impl Stream<Item = Result<CreateImageInfo, Error>> + Unpin,
    reference: &str,
    telling: &dyn Fn(Told<'_>),
) -> Result<(), String> {
    let cannot = |why: String| format!("the image `{reference}` can't be pulled: {why}");
    let mut layers = Layers::default();
    let began = Instant::now();
    let (mut heard, mut told) = (began, None);
    loop {
        match tokio::time::timeout(TICK, steps.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(step)) => {
                layers.take(&step.map_err(|error| cannot(with_sources(&error)))?);
                heard = Instant::now();
            }
            Err(_elapsed) if heard.elapsed() > SILENCE => {
                return Err(cannot(format!("no progress for {} s", SILENCE.as_secs())));
            }
            Err(_elapsed) => {}
        }
        if told.is_none_or(|told: Instant| told.elapsed() >= TELL_AGAIN) {
            let far = layers.far().unwrap_or_else(|| seconds(began.elapsed()));
            telling(Told::Progress(&format!("pulling the image `{reference}`: {far}")));
            told = Some(Instant::now());
        }
    }
}

/// The layers that the engine has named so far, by their ids.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Debug, Default)]
struct Layer {
    /// Bytes that are here, and bytes that there are; unknown until its download begins.
    bytes: Option<(u64, u64)>,
    /// Downloaded; it may still have to be unpacked.
    is_here: bool,
    is_done: bool,
    /// It was on the engine before, so that no bytes of it come.
    was_here: bool,
}

impl Layers {
    /// The statuses are the engine's own words; those that are not known here change nothing.
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

    /// `12.3 of 45.6 MB, 3 of 7 layers`, none before there is a layer.
    fn far(&self) -> Option<String> {
        let all = self.0.len();
        let done = self.0.values().filter(|layer| layer.is_done).count();
        let coming = || self.0.values().filter(|layer| !layer.was_here);
        let total: u64 = coming().filter_map(|layer| layer.bytes).map(|(_, total)| total).sum();
        let here: u64 = coming().map(Layer::bytes_here).sum();
        let mut far = String::new();
        if total > 0 {
            // A layer that waits for its turn has not told its size.
            let is_all = coming().all(|layer| layer.bytes.is_some() || layer.is_here);
            let of = if is_all { "of" } else { "of at least" };
            let _ = write!(far, "{} {of} {} MB, ", megabytes(here), megabytes(total));
        }
        let _ = write!(far, "{done} of {all} layers");
        (all > 0).then_some(far)
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

    /// How far it is after each of these steps.
    fn far(steps: &[CreateImageInfo]) -> Vec<String> {
        let mut layers = Layers::default();
        let far = |step: &CreateImageInfo| {
            layers.take(step);
            layers.far().unwrap_or_default()
        };
        steps.iter().map(far).collect()
    }

    #[test]
    fn bytes_and_layers_are_summed_up() {
        let far = far(&[
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
            far,
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
    fn what_names_no_layer_and_odd_numbers_change_nothing() {
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
        assert!(far(&steps).iter().all(|far| far == "5.0 of 10.0 MB, 0 of 1 layers"));
    }

    /// What is told of such a pull, and how it ends.
    fn followed(steps: Vec<Result<CreateImageInfo, Error>>) -> (Vec<String>, Result<(), String>) {
        let told = RefCell::new(Vec::new());
        let telling = |it: Told<'_>| {
            if let Told::Progress(text) = it {
                told.borrow_mut().push(text.to_owned());
            }
        };
        let end = block_on(follow(stream::iter(steps), "redis:8.10.2", &telling));
        (told.into_inner(), end)
    }

    #[test]
    fn a_pull_tells_the_image_and_how_far_it_is() {
        let (told, end) =
            followed(vec![Ok(step("9a0b", "Downloading", Some((1_000_000, 2_000_000))))]);
        assert_eq!(end, Ok(()));
        assert_eq!(told, ["pulling the image `redis:8.10.2`: 1.0 of 2.0 MB, 0 of 1 layers"]);
    }

    #[test]
    fn a_pull_that_fails_says_why_at_once() {
        let error = "toomanyrequests: You have reached your pull rate limit".to_owned();
        let steps = vec![
            Ok(step("9a0b", "Pulling fs layer", None)),
            Err(Error::DockerStreamError { error }),
            Ok(step("9a0b", "Pull complete", None)),
        ];
        let (told, end) = followed(steps);
        let why = end.unwrap_err();
        assert!(why.starts_with("the image `redis:8.10.2` can't be pulled: "), "{why}");
        assert!(why.contains("toomanyrequests"), "{why}");
        assert_eq!(told, ["pulling the image `redis:8.10.2`: 0 of 1 layers"]);
    }

    #[test]
    fn a_registry_that_says_nothing_yet_is_waited_for_with_the_seconds() {
        let told = RefCell::new(Vec::new());
        let telling = |it: Told<'_>| told.borrow_mut().push(format!("{it:?}"));
        let limit = Duration::from_millis(700);
        let silent = follow(stream::pending(), "redis:9", &telling);
        assert!(block_on(async { tokio::time::timeout(limit, silent).await }).is_err());
        let told = told.into_inner();
        assert!(told.len() >= 2, "{told:?}");
        assert!(told[0].contains("pulling the image `redis:9`: 0 s"), "{told:?}");
    }
}
