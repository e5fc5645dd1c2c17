//! Builds the image and boots it in QEMU without acceleration, behind QEMU's own user network with a metadata service
//! made of a shell script. Needs qemu-system-x86_64, openssh-client, and Debian's packages from the network or from
//! an earlier run.
#![forbid(unsafe_code)]
// Clippy lets tests unwrap, but not the functions that they call.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use image::{Manifest, build_tiny};

/// A boot takes 4 s on a quiet machine; this is for a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(90);

/// Answers one request as the metadata service does with `HttpTokens=required`. QEMU starts one for each connection.
const METADATA_SERVICE: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
read -r method path _
path=${path#/latest/}
token=
while read -r line; do
    line=$(printf '%s' "$line" | tr -d '\r')
    case "$line" in
    '') break ;;
    [Xx]-aws-ec2-metadata-token:*) token=${line#*: } ;;
    esac
done
echo "$method $path" >> requests
answer() {
    printf 'HTTP/1.1 %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' "$1" "$(wc -c < "$2")"
    cat "$2"
}
if [ "$method $path" = "PUT api/token" ]; then
    answer "200 OK" token
elif [ "$token" != "$(cat token)" ]; then
    answer "401 Unauthorized" empty
elif [ -f "leaves/$path" ]; then
    answer "200 OK" "leaves/$path"
else
    answer "404 Not Found" empty
fi
"#;

const USER_DATA: &str = "#!/bin/bash\necho \"user data of $(id -un) on $(hostname)\"\necho late >&2\n";

struct Guest {
    process: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    control: PathBuf,
    folder: PathBuf,
}

impl Guest {
    fn start(image: &Path, manifest: &Manifest, folder: &Path) -> Self {
        let control = folder.join("control");
        let root = format!("file={},format=raw,if=virtio,snapshot=on", image.join(&manifest.root.file).display());
        let network = format!(
            "user,model=virtio-net-pci,net=169.254.169.0/24,host=169.254.169.2,hostfwd=tcp:127.0.0.1:0-:22,\
             guestfwd=tcp:169.254.169.254:80-cmd:{}",
            folder.join("metadata").display()
        );
        let mut process = Command::new("qemu-system-x86_64")
            .args(["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,svm=off", "-m", "256", "-nodefaults"])
            .args(["-display", "none", "-serial", "stdio", "-device", "virtio-rng-pci"])
            .arg("-kernel")
            .arg(image.join(&manifest.kernel.file))
            .arg("-initrd")
            .arg(image.join(&manifest.initrd.file))
            .args(["-append", &manifest.command_line, "-drive", &root, "-nic", &network])
            .args(["-qmp", &format!("unix:{},server=on,wait=off", control.display())])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("install QEMU with `apt-get install qemu-system-x86`");
        let output = process.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                    break;
                }
            }
        });
        Self { process, lines, seen: Vec::new(), control, folder: folder.to_owned() }
    }

    /// Waits for a line of the console that begins so, and gives it.
    fn wait_for(&mut self, beginning: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.starts_with(beginning) {
                        return line;
                    }
                }
                Err(cause) => {
                    let what = if cause == RecvTimeoutError::Timeout { "not seen" } else { "guest ended before" };
                    panic!("{what}: {beginning:?}\n{}", self.seen.join("\n"));
                }
            }
        }
    }

    /// Waits until QEMU is gone and gives whether it ended well.
    fn wait_for_end(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        // The console is closed, so that the process has ended or is about to; or it is still there after all patience.
        assert!(Instant::now() < end, "did not power off\n{}", self.seen.join("\n"));
        self.process.wait().unwrap().success()
    }

    /// One QMP command; gives the line with its answer.
    fn qmp(&self, command: &str) -> String {
        let stream = UnixStream::connect(&self.control).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        let mut answer = || lines.find(|line| line.contains("\"return\"") || line.contains("\"error\"")).unwrap();
        writer.write_all(b"{\"execute\":\"qmp_capabilities\"}").unwrap();
        answer();
        writer.write_all(command.as_bytes()).unwrap();
        answer()
    }

    /// The port of the host behind which the guest's ssh is.
    fn ssh_port(&self) -> String {
        let answer = self
            .qmp(r#"{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}"#)
            .replace("\\r\\n", "\n");
        let line = answer.lines().find(|line| line.contains("HOST_FORWARD")).unwrap();
        line.split_whitespace().nth(3).unwrap().to_owned()
    }

    /// `ssh` or `scp`, ready for its last arguments.
    fn client(&self, program: &str, key: &str) -> Command {
        let mut client = Command::new("timeout");
        client
            .args(["60", program, "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"])
            .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes"])
            .args(["-o", &format!("Port={}", self.ssh_port()), "-i"])
            .arg(self.folder.join(key));
        client
    }

    fn ssh(&self, user: &str, key: &str, command: &str) -> Output {
        self.client("ssh", key).args([&format!("{user}@127.0.0.1"), command]).output().unwrap()
    }

    /// Copies a file of the test's folder into the user's home by the SFTP (`-s`) or the old protocol (`-O`).
    fn copy(&self, user: &str, key: &str, protocol: &str, file: &str) {
        let mut copy = self.client("scp", key);
        let output = copy.arg(protocol).arg(self.folder.join(file)).arg(format!("{user}@127.0.0.1:")).output().unwrap();
        assert!(output.status.success(), "scp {protocol}: {output:?}");
    }

    /// What a command printed in the guest.
    fn told(&self, user: &str, key: &str, command: &str) -> String {
        let output = self.ssh(user, key, command);
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn make_key(folder: &Path, name: &str, kind: &str) -> String {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", "", "-C", name, "-f"])
        .arg(folder.join(name))
        .status()
        .expect("install ssh with `apt-get install openssh-client`");
    assert!(made.success());
    fs::read_to_string(folder.join(format!("{name}.pub"))).unwrap()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let mut packed = Vec::new();
    gzip.stdout.take().unwrap().read_to_end(&mut packed).unwrap();
    assert!(gzip.wait().unwrap().success());
    packed
}

fn serve_metadata(folder: &Path, key: &str) {
    use std::os::unix::fs::PermissionsExt;
    let keys = folder.join("leaves/meta-data/public-keys/0");
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join("openssh-key"), key).unwrap();
    fs::write(folder.join("leaves/meta-data/instance-id"), "i-0123456789abcdef0").unwrap();
    fs::write(folder.join("leaves/meta-data/local-hostname"), "ip-172-31-0-5.ec2.internal").unwrap();
    fs::write(folder.join("leaves/user-data"), gzip(USER_DATA)).unwrap();
    fs::write(folder.join("token"), "AQAEAtoken==").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    let script = folder.join("metadata");
    fs::write(&script, METADATA_SERVICE).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_tiny_image_is_an_ec2_guest() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    let manifest = build_tiny(&image, &target.join("packages")).unwrap();
    assert_eq!(Manifest::load(&image).unwrap(), manifest);
    manifest.verify(&image).unwrap();

    // Both kinds of key at once: the metadata service of AWS gives one, but may give as many lines as it likes.
    let keys = make_key(folder.path(), "ed25519", "ed25519") + &make_key(folder.path(), "rsa", "rsa");
    make_key(folder.path(), "stranger", "ed25519");
    serve_metadata(folder.path(), &keys);
    let started = Instant::now();
    let mut guest = Guest::start(&image, &manifest, folder.path());
    guest.wait_for(&manifest.first_line);
    println!("first line after {:?}", started.elapsed());
    guest.wait_for("-----BEGIN SSH HOST KEY FINGERPRINTS-----");
    let fingerprint = guest.wait_for("256 ");
    guest.wait_for("-----END SSH HOST KEY KEYS-----");
    guest.wait_for(&format!("{} as i-0123456789abcdef0", manifest.ready_line));
    println!("ready after {:?}", started.elapsed());
    guest.wait_for("user data of root on ip-172-31-0-5");
    guest.wait_for("late");
    guest.wait_for("welkin: user data ended with status 0");

    for (user, key) in [("ec2-user", "ed25519"), ("ec2-user", "rsa"), ("root", "ed25519")] {
        assert_eq!(guest.told(user, key, "id -un"), user);
    }
    assert!(!guest.ssh("ec2-user", "stranger", "true").status.success(), "a stranger's key opened the door");
    assert_eq!(guest.told("ec2-user", "ed25519", "sudo id -un"), "root");
    assert_eq!(
        guest.told("root", "ed25519", "cat /var/log/user-data.log | head -n 1"),
        "user data of root on ip-172-31-0-5"
    );
    assert_eq!(guest.told("root", "ed25519", "imds meta-data/instance-id"), "i-0123456789abcdef0");
    assert_eq!(guest.told("root", "ed25519", "find / -xdev ! -user 0 ! -path '/home/*'"), "");
    // Once a crash: see `no5lvl` in the kernel's command line.
    let fetch = "wget -q -O - --header 'X-aws-ec2-metadata-token: AQAEAtoken==' \
                 http://169.254.169.254/latest/meta-data/instance-id";
    assert_eq!(guest.told("ec2-user", "ed25519", fetch), "i-0123456789abcdef0");
    for protocol in ["-s", "-O"] {
        fs::write(folder.path().join("sent"), protocol).unwrap();
        guest.copy("ec2-user", "ed25519", protocol, "sent");
        assert_eq!(guest.told("ec2-user", "ed25519", "cat sent"), protocol);
    }

    guest.ssh("root", "ed25519", "reboot");
    guest.wait_for(&manifest.first_line);
    guest.wait_for(&fingerprint);
    guest.wait_for(&manifest.ready_line);
    assert_eq!(guest.told("root", "ed25519", "grep -c late /var/log/user-data.log"), "1", "user data ran twice");
    // The button's driver is loaded before the disk is there; who listens to it starts with the boot script.
    let pressed = Instant::now();
    guest.qmp(r#"{"execute":"system_powerdown"}"#);
    assert!(guest.wait_for_end());
    println!("powered off after {:?}", pressed.elapsed());
}
