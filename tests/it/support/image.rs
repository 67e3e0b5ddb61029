//! Images for container tests: the default image if the engine has it, otherwise one made of a real
//! server program and its libraries, and one image for each of several versions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use futures_util::StreamExt as _;
use redislings::runtime::block_on;
use redislings::server::container::Hosts;
use redislings::server::source::{DEFAULT_IMAGE, on_path};
use redislings::server::{ServerVersion, Source, container};
use sha2::{Digest as _, Sha256};
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::ContainerInspectResponse;
use testcontainers::bollard::query_parameters::{
    CreateImageOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::client::docker_client_instance;

use super::{redis_server, report_skipped};

/// `.ci/run` and the README name it too.
const LOCAL_IMAGE: &str = "redislings-local/server";
/// Images of several versions, as `--image` names them; `.ci/run` and the README name it too.
const LOCAL_TEMPLATE: &str = "redislings-local/{server}:{version}";
static IMAGE: OnceLock<String> = OnceLock::new();
static IMAGES: OnceLock<()> = OnceLock::new();
const PROGRAM_LABEL: &str = "redislings.program";
/// The tools that the scripts in a host need. Every official image has them.
const TOOLS: [&str; 9] = ["sh", "cat", "head", "mkdir", "mv", "rm", "setsid", "sleep", "wc"];

/// An image that the engine has. `None`, with a note that `test` is skipped, if no engine answers.
pub fn for_test(test: &str) -> Option<&'static str> {
    engine_or_skip(test)?;
    Some(IMAGE.get_or_init(|| match container::find_image(DEFAULT_IMAGE, &|_| ()) {
        Ok(image) => image.reference,
        Err(_) => make_local(),
    }))
}

/// The template of local images, one for each of [`redis_server::of_several_versions`]. `None` as
/// in [`for_test`].
pub fn of_several_versions_for_test(test: &str) -> Option<&'static str> {
    engine_or_skip(test)?;
    IMAGES.get_or_init(|| {
        for (name, program) in redis_server::of_several_versions() {
            make(&ServerVersion::parse(&name).unwrap().image_by(LOCAL_TEMPLATE), &program);
        }
    });
    Some(LOCAL_TEMPLATE)
}

/// Servers in containers of this image.
pub fn source(image: &str) -> Source {
    Source::Container(Hosts::new(container::find_image(image, &|_| ()).unwrap()))
}

fn engine_or_skip(test: &str) -> Option<()> {
    match container::engine_version() {
        Ok(_) => Some(()),
        Err(why) => {
            report_skipped(test, why);
            None
        }
    }
}

fn make_local() -> String {
    let reference = format!("{LOCAL_IMAGE}:latest");
    make(&reference, &redis_server::program());
    reference
}

fn make(reference: &str, program: &Path) {
    make_with(reference, program, &TOOLS);
}

/// Makes an image with only these tools.
pub fn make_with(reference: &str, program: &Path, tools: &[&str]) {
    let hash = hash(program, tools);
    let docker = block_on(docker_client_instance()).unwrap();
    if label(&docker, reference).as_deref() != Some(hash.as_str()) {
        import(&docker, reference, &tar(program, tools), program, &hash);
    }
}

fn hash(program: &Path, tools: &[&str]) -> String {
    let mut hash = Sha256::new_with_prefix(std::fs::read(program).unwrap());
    hash.update(tools.join(" "));
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn label(docker: &Docker, reference: &str) -> Option<String> {
    let labels: HashMap<String, String> =
        block_on(docker.inspect_image(reference)).ok()?.config?.labels?;
    labels.get(PROGRAM_LABEL).cloned()
}

fn tar(program: &Path, tools: &[&str]) -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let tools = tools.iter().map(|tool| on_path(tool).unwrap());
    for program in tools.chain([program.to_owned()]) {
        for file in needed_by(&program).into_iter().chain([program]) {
            let copy = root.path().join(file.strip_prefix("/").unwrap());
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(&file, &copy).unwrap();
            // Programs in the cache are private, but the container runs them as another user.
            std::fs::set_permissions(copy, Permissions::from_mode(0o755)).unwrap();
        }
    }
    for folder in ["data", "tmp"] {
        std::fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let output = Command::new("tar").arg("-C").arg(root.path()).args(["-c", "."]).output().unwrap();
    assert!(output.status.success(), "tar failed");
    output.stdout
}

/// The libraries from `ldd`: `libm.so.6 => /lib/…/libm.so.6 (0x…)`. A script from
/// `tests/servers/install` needs a shell, and its libraries are in the folder `lib` next to it.
fn needed_by(program: &Path) -> Vec<PathBuf> {
    if std::fs::read(program).unwrap().starts_with(b"#!/bin/sh\n") {
        let files = std::fs::read_dir(program.with_file_name("lib")).unwrap();
        let mut needed = needed_by(Path::new("/bin/sh"));
        needed.push(PathBuf::from("/bin/sh"));
        needed.extend(files.map(|file| file.unwrap().path()));
        return needed;
    }
    let output = Command::new("ldd").arg(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

fn import(docker: &Docker, reference: &str, tar: &[u8], program: &Path, hash: &str) {
    let changes = vec![
        format!("CMD [\"{}\"]", program.display()),
        "WORKDIR /data".to_owned(),
        format!("LABEL {PROGRAM_LABEL}={hash}"),
    ];
    let (name, tag) = reference.split_once(':').unwrap();
    let options =
        CreateImageOptionsBuilder::new().from_src("-").repo(name).tag(tag).changes(changes).build();
    let body = testcontainers::bollard::body_full(tar.to_vec().into());
    block_on(async {
        let mut steps = docker.create_image(Some(options), Some(body), None);
        while let Some(step) = steps.next().await {
            step.expect("the engine takes the image");
        }
    });
}

#[test]
fn a_local_image_can_be_made_where_an_engine_answers() {
    let Some(_) = for_test("a_local_image_can_be_made_where_an_engine_answers") else { return };
    let reference = make_local();
    assert!(container::has_image(&reference));
}

#[test]
fn a_local_image_of_each_version_can_be_made() {
    let test = "a_local_image_of_each_version_can_be_made";
    let Some(template) = of_several_versions_for_test(test) else { return };
    for (name, _) in redis_server::of_several_versions() {
        let image = ServerVersion::parse(&name).unwrap().image_by(template);
        assert!(container::has_image(&image), "{image}");
    }
}

/// The session that runs in this workspace: the name of its directory, which is also the label of
/// its containers.
pub fn session_of(workspace: &super::Workspace) -> String {
    workspace.leftovers().into_iter().find(|name| name.starts_with("redislings-")).unwrap()
}

/// The ids of a session's containers, running or not.
pub fn containers_of(session: &str) -> Vec<String> {
    labelled(&format!("redislings.session={session}"))
}

/// The ids of all sessions' containers, running or not.
pub fn all_containers() -> Vec<String> {
    labelled("redislings.session")
}

/// Whether the container exists, but does not run.
pub fn is_ended(id: &str) -> bool {
    let docker = block_on(docker_client_instance()).unwrap();
    let found = block_on(docker.inspect_container(id, None));
    found.is_ok_and(|info| info.state.is_some_and(|state| state.running == Some(false)))
}

fn labelled(label: &str) -> Vec<String> {
    use testcontainers::bollard::query_parameters::ListContainersOptionsBuilder;
    let filters = HashMap::from([("label", vec![label.to_owned()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.list_containers(Some(options)))
        .unwrap()
        .into_iter()
        .filter_map(|container| container.id)
        .collect()
}

/// The host addresses and ports that a container publishes; none if it is gone.
pub fn published(id: &str) -> Vec<(String, String)> {
    let docker = block_on(docker_client_instance()).unwrap();
    let Ok(found) = block_on(docker.inspect_container(id, None)) else { return Vec::new() };
    let ports = found.network_settings.unwrap().ports.unwrap_or_default();
    let bindings = ports.into_values().flatten().flatten();
    bindings
        .map(|binding| (binding.host_ip.unwrap_or_default(), binding.host_port.unwrap_or_default()))
        .collect()
}

/// The commands of the processes in a container that contain this word.
pub fn processes(id: &str, word: &str) -> Vec<String> {
    use testcontainers::bollard::query_parameters::TopOptions;
    let docker = block_on(docker_client_instance()).unwrap();
    let found = block_on(docker.top_processes(id, None::<TopOptions>)).unwrap();
    let processes = found.processes.unwrap_or_default().into_iter();
    let commands = processes.filter_map(|mut columns| columns.pop());
    commands.filter(|command| command.contains(word)).collect()
}

pub fn inspect(id: &str) -> ContainerInspectResponse {
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.inspect_container(id, None)).unwrap()
}

/// Freezes all processes in a container.
pub fn pause(id: &str) {
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.pause_container(id)).unwrap();
}

/// Kills all processes in a container, as a failing engine would.
pub fn kill(id: &str) {
    use testcontainers::bollard::query_parameters::KillContainerOptions;
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.kill_container(id, None::<KillContainerOptions>)).unwrap();
}

/// Removes a container, with its volumes.
pub fn remove(id: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.remove_container(id, Some(options))).unwrap();
}

/// The socket of the engine on this machine.
pub fn engine_socket() -> String {
    let given = std::env::var("DOCKER_HOST").unwrap_or_default();
    given.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

/// Whether the engine still has the container.
pub fn exists(id: &str) -> bool {
    let docker = block_on(docker_client_instance()).unwrap();
    block_on(docker.inspect_container(id, None)).is_ok()
}
