//! Machines of a test: network namespaces on a bridge, which go with the test. They want root and
//! iproute2; where there is none the test that asks for them fails.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

/// Namespaces that see each other and this machine.
pub(crate) struct Namespaces {
    bridge: String,
    names: Vec<String>,
    /// The first two numbers of the third and the second of their addresses.
    network: [u8; 2],
}

impl Namespaces {
    /// Makes so many.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(crate) fn new(count: u8) -> Namespaces {
        let id = std::process::id();
        let mut made = Namespaces {
            bridge: format!("gl{id}b"),
            names: Vec::new(),
            network: [64 + (id % 128) as u8, (id / 128 % 256) as u8],
        };
        ip(&["link", "add", &made.bridge, "type", "bridge", "forward_delay", "0"]);
        ip(&["address", "add", &format!("{}/24", made.here()), "dev", &made.bridge]);
        ip(&["link", "set", &made.bridge, "up"]);
        for number in 0..count {
            let (name, cable) = (format!("gl{id}-{number}"), format!("gl{id}v{number}"));
            // What is begun is taken back, too.
            made.names.push(name.clone());
            ip(&["netns", "add", &name]);
            let peer = ["type", "veth", "peer", "name", "eth0", "netns", &name];
            ip(&[&["link", "add", &cable][..], &peer].concat());
            ip(&["link", "set", &cable, "master", &made.bridge, "up"]);
            let address = format!("{}/24", made.address(number));
            ip(&["-n", &name, "address", "add", &address, "dev", "eth0"]);
            ip(&["-n", &name, "link", "set", "eth0", "up"]);
            ip(&["-n", &name, "link", "set", "lo", "up"]);
            std::fs::create_dir_all(made.folder(number)).unwrap();
            std::fs::write(made.folder(number).join("hosts"), "127.0.0.1 localhost\n").unwrap();
        }
        made
    }

    /// The address of this machine.
    pub(crate) fn here(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.network[0], self.network[1], 1)
    }

    pub(crate) fn address(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, self.network[0], self.network[1], 10 + number)
    }

    /// Gives an address a name in all of them, in the files that they have for `/etc/hosts`.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
    pub(crate) fn name(&self, address: Ipv4Addr, name: &str) {
        for number in 0..self.names.len() as u8 {
            let text = format!("127.0.0.1 localhost\n{address} {name}\n");
            std::fs::write(self.folder(number).join("hosts"), text).unwrap();
        }
    }

    /// The same command in one of them.
    pub(crate) fn command(&self, number: u8, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.names[usize::from(number)]]);
        inside.arg(command.get_program()).args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            inside.env(name, value.unwrap());
        }
        inside.current_dir(command.get_current_dir().unwrap());
        inside
    }

    fn folder(&self, number: u8) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.names[usize::from(number)])
    }
}

fn ip(words: &[&str]) {
    let output = Command::new("ip").args(words).output().expect("iproute2 is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}(this wants root)", words.join(" "));
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for (number, name) in self.names.iter().enumerate() {
            let _ = Command::new("ip").args(["netns", "delete", name]).status();
            let _ = std::fs::remove_dir_all(self.folder(number as u8));
        }
        let _ = Command::new("ip").args(["link", "delete", &self.bridge]).status();
    }
}
