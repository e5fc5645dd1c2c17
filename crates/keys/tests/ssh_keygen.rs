//! OpenSSH reads the private keys that we write, and derives the public key that we say.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use service::KeyAlgorithm;

/// The public line and the SHA-256 fingerprint that `ssh-keygen` finds in a private key.
fn read_by_openssh(private_pem: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, private_pem).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let run = |option: &str| {
        let output = Command::new("ssh-keygen").arg(option).arg("-f").arg(&path).output();
        let output = output.expect("ssh-keygen runs; install openssh-client");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let line = run("-y").split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned();
    let fingerprint = run("-l").split(' ').nth(1).unwrap().to_owned();
    (line, fingerprint)
}

#[test]
fn openssh_reads_what_we_write() {
    for (algorithm, kind, label) in [
        (KeyAlgorithm::Rsa, "ssh-rsa ", "-----BEGIN RSA PRIVATE KEY-----\n"),
        (KeyAlgorithm::Ed25519, "ssh-ed25519 ", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
    ] {
        let key = keys::new_key(algorithm).unwrap();
        assert!(key.private_pem.starts_with(label), "{algorithm:?}");
        assert!(key.public_openssh.starts_with(kind), "{algorithm:?}");
        let (line, fingerprint) = read_by_openssh(&key.private_pem);
        assert_eq!(line, key.public_openssh);
        match algorithm {
            KeyAlgorithm::Rsa => assert_eq!(key.fingerprint.len(), 59),
            KeyAlgorithm::Ed25519 => assert_eq!(format!("{fingerprint}="), format!("SHA256:{}", key.fingerprint)),
        }
    }
}

#[test]
fn no_two_keys_are_the_same() {
    let [one, other] = [(); 2].map(|()| keys::new_key(KeyAlgorithm::Ed25519).unwrap());
    assert_ne!(one.public_openssh, other.public_openssh);
}

#[test]
fn openssl_computes_the_same_rsa_fingerprint() {
    let key = keys::new_key(KeyAlgorithm::Rsa).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (pem, der) = (folder.path().join("key"), folder.path().join("der"));
    std::fs::write(&pem, &key.private_pem).unwrap();
    let run = |arguments: &[&str], path: &std::path::Path| {
        let output = Command::new("openssl").args(arguments).arg(path).output().expect("openssl runs; install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let pkcs8 = run(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in"], &pem);
    std::fs::write(&der, pkcs8).unwrap();
    let sum = String::from_utf8(run(&["sha1", "-c"], &der)).unwrap();
    assert!(sum.trim().ends_with(&key.fingerprint), "{sum} {}", key.fingerprint);
}
