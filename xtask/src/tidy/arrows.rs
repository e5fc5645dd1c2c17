//! The arrows between crates: who may depend on whom, in one table. A new arrow is its own commit, with its reason.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Complaint;

/// A crate of ours.
struct Ring {
    name: &'static str,
    /// What the crate may use of ours.
    uses: &'static [&'static str],
    /// What its tests may use besides.
    tests_use: &'static [&'static str],
    /// True if it has no side effects: it may use no library that has them.
    is_pure: bool,
    /// Why these and no others.
    reason: &'static str,
}

const fn pure(name: &'static str, uses: &'static [&'static str], reason: &'static str) -> Ring {
    Ring { name, uses, tests_use: &[], is_pure: true, reason }
}

const fn outer(name: &'static str, uses: &'static [&'static str], reason: &'static str) -> Ring {
    Ring { name, uses, tests_use: &[], is_pure: false, reason }
}

const RINGS: &[Ring] = &[
    pure("ids", &[], "everything is written in it"),
    pure("md5", &[], "a digest, whatever it is of"),
    pure("wire", &[], "syntax only: it knows no service, no id, no record"),
    pure("api", &["ids", "wire"], "generated types and schemas, nothing that could give them a meaning"),
    pure("store", &["ids"], "facts, whatever they are about"),
    pure("policy", &[], "the language alone: it knows no record, no service and no call"),
    pure("service", &["api", "ids", "policy", "store", "wire"], "what operations are made of, whatever they do"),
    pure(
        "iam",
        &["api", "ids", "md5", "policy", "service", "store", "wire"],
        "a service calls another one through `api` only",
    ),
    Ring {
        tests_use: &["iam"],
        ..pure(
            "cloudtrail",
            &["api", "ids", "service", "store", "wire"],
            "a service calls another one through `api` only; the records come through a trait of its own",
        )
    },
    // Their tests are authorised as a region's calls are, and those of EC2 have a simulated node.
    Ring {
        tests_use: &["host-sim", "iam", "node"],
        ..pure(
            "ec2",
            &["api", "host", "ids", "md5", "service", "store", "wire"],
            "a service calls another one through `api` only; of `host` it takes the plain data of an assignment",
        )
    },
    Ring {
        tests_use: &["iam"],
        ..pure(
            "s3",
            &["api", "blobs", "ids", "policy", "service", "store", "wire"],
            "a service calls another one through `api` only; the bytes of objects are in `blobs`",
        )
    },
    outer("blobs", &["md5"], "bytes on disk, whatever they are"),
    outer(
        "backing",
        &["blobs", "fetch", "wire"],
        "blobs in a bucket elsewhere: it signs requests, and knows no service",
    ),
    outer("backup", &["blobs", "store"], "one file out of a store and its blobs, and back, whatever they are about"),
    Ring {
        tests_use: &["ids"],
        ..outer("audit", &["api", "wire"], "writes down calls as the edge tells of them; it serves nobody")
    },
    outer("keys", &["service"], "makes what `service` names, outside of any operation"),
    outer("store-sqlite", &["store"], "an engine knows keys and bytes"),
    outer("store-postgres", &["store"], "an engine knows keys and bytes"),
    outer("host", &["ids"], "traits and plain data: a node knows no region"),
    outer("host-linux", &["host", "ids"], "effects, without any decision"),
    outer("host-sim", &["host", "ids"], "effects, without any decision"),
    Ring {
        tests_use: &["host-sim"],
        ..outer("node", &["host", "ids"], "a node acts on assignments and never reads the region's store")
    },
    outer("image", &[], "makes folders out of Debian's packages"),
    outer("fetch", &[], "documents from elsewhere, whatever they are"),
    outer(
        "edge",
        &["api", "audit", "iam", "ids", "md5", "wire"],
        "services are mounted on it; it knows none of them but who calls",
    ),
    Ring {
        tests_use: &["backing", "host-sim", "node", "store-sqlite"],
        ..outer(
            "region",
            &[
                "api",
                "audit",
                "backup",
                "blobs",
                "cloudtrail",
                "ec2",
                "edge",
                "fetch",
                "host",
                "iam",
                "ids",
                "image",
                "keys",
                "s3",
                "service",
                "store",
                "wire",
            ],
            "puts services together; which engine and which host, the binary decides",
        )
    },
    outer(
        "welkin",
        &[
            "audit",
            "backing",
            "backup",
            "blobs",
            "host",
            "host-linux",
            "host-sim",
            "ids",
            "image",
            "node",
            "region",
            "store",
            "store-postgres",
            "store-sqlite",
        ],
        "wiring, the command line and settings",
    ),
    outer(
        "testkit",
        &["api", "host", "host-sim", "ids", "node", "region", "service", "store", "store-postgres", "wire"],
        "for tests only",
    ),
    outer(
        "hostile",
        &["api", "blobs", "ec2", "edge", "host", "host-linux", "iam", "ids", "policy", "s3", "store", "wire"],
        "for tests only: it holds every decoder to what is claimed of it",
    ),
    outer(
        "bench",
        &[
            "api",
            "blobs",
            "ec2",
            "host",
            "iam",
            "ids",
            "policy",
            "service",
            "store",
            "store-postgres",
            "store-sqlite",
            "testkit",
            "wire",
        ],
        "a client that measures: it signs requests; engines, and the steps of a call, without the region around them",
    ),
    outer("xtask", &[], "it makes `api`, so it must build while `api` does not"),
];

/// Libraries with side effects, which a pure crate can't use: time, ids and random bytes come from `Cx`, facts from the
/// view.
const EFFECTS: &[&str] = &[
    "getrandom",
    "http-body-util",
    "hyper",
    "hyper-util",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "socket2",
    "tempfile",
];

/// Crates of ours that every crate's tests may use.
const FOR_TESTS: &[&str] = &["testkit"];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package of the workspace, as `cargo metadata` tells of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build` or none.
    kind: Option<String>,
    /// The folder of a crate of ours.
    path: Option<String>,
}

pub(crate) fn read(root: &Path) -> anyhow::Result<Vec<Package>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    Ok(metadata.packages)
}

pub(crate) fn check(packages: &[Package]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in packages {
        let place = match package.name.as_str() {
            "xtask" => "xtask/Cargo.toml".to_owned(),
            name => format!("crates/{name}/Cargo.toml"),
        };
        let Some(ring) = RINGS.iter().find(|ring| ring.name == package.name) else {
            complaints.push(Complaint::new(
                place,
                format!("the crate {} is not in the table of arrows", package.name),
                "add it to RINGS in xtask/src/tidy/arrows.rs, with what it may use and why",
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let is_test = dependency.kind.as_deref() == Some("dev");
            let name = dependency.name.as_str();
            let is_own = dependency.path.is_some();
            let is_allowed = match (is_own, is_test) {
                (true, false) => ring.uses.contains(&name),
                (true, true) => {
                    [ring.uses, ring.tests_use, FOR_TESTS, &[ring.name]].iter().any(|all| all.contains(&name))
                }
                (false, false) => !(ring.is_pure && EFFECTS.contains(&name)),
                (false, true) => true,
            };
            if !is_allowed {
                let reason = if is_own { ring.reason } else { "it has side effects, and this crate has none" };
                let wrong = format!("{} must not use {name}: {reason}", ring.name);
                let remedy = if is_own {
                    "move what is needed to a crate that both may use; or argue for the arrow in xtask/src/tidy/arrows.rs"
                } else {
                    "take it from `Cx`, the view, or a trait that an outer crate implements"
                };
                complaints.push(Complaint::new(&place, wrong, remedy));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::{Dependency, Package, RINGS, check};

    fn wrongs(package: &str, dependency: &str, kind: Option<&str>, is_own: bool) -> Vec<String> {
        let dependency = Dependency {
            name: dependency.to_owned(),
            kind: kind.map(str::to_owned),
            path: is_own.then(|| "crates/x".to_owned()),
        };
        let package = Package { name: package.to_owned(), dependencies: vec![dependency] };
        check(&[package]).into_iter().map(|complaint| complaint.wrong).collect()
    }

    #[test]
    fn arrows_that_are_not_in_the_table_are_refused() {
        assert_eq!(wrongs("ec2", "store", None, true), [""; 0]);
        assert!(wrongs("ec2", "s3", None, true)[0].starts_with("ec2 must not use s3: a service calls"));
        assert_eq!(wrongs("wire", "ids", None, true).len(), 1);
        assert_eq!(wrongs("node", "host-sim", None, true).len(), 1);
        assert_eq!(wrongs("node", "host-sim", Some("dev"), true), [""; 0]);
        assert_eq!(wrongs("node", "host-linux", Some("dev"), true).len(), 1);
        assert!(wrongs("balloon", "ids", None, true)[0].contains("not in the table"));
    }

    #[test]
    fn pure_crates_use_no_library_with_effects() {
        assert_eq!(wrongs("s3", "hyper", None, false).len(), 1);
        assert_eq!(wrongs("s3", "serde", None, false), [""; 0]);
        assert_eq!(wrongs("s3", "tempfile", Some("dev"), false), [""; 0]);
        assert_eq!(wrongs("edge", "hyper", None, false), [""; 0]);
    }

    #[test]
    fn the_table_has_no_circle_and_pure_crates_use_pure_ones() {
        let ring = |name: &str| RINGS.iter().find(|ring| ring.name == name).expect("named in the table");
        // Host and blobs are there for their plain data and traits: see the reasons in the table.
        let plain = ["host", "blobs"];
        for start in RINGS {
            let mut seen = Vec::new();
            let mut open: Vec<&str> = start.uses.to_vec();
            while let Some(name) = open.pop() {
                assert_ne!(name, start.name, "a circle through {name}");
                assert!(!start.is_pure || ring(name).is_pure || plain.contains(&name), "{} uses {name}", start.name);
                if !seen.contains(&name) {
                    seen.push(name);
                    open.extend(ring(name).uses);
                }
            }
        }
    }
}
