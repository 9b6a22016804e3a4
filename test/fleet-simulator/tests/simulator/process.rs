//! The program: what it prints, how it answers on its port, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fleet-simulator");

/// A running program, ended with the test whatever comes of it.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("fleet-simulator listening on http://");
        let address = address.unwrap_or_else(|| panic!("it said {line:?}")).to_owned();
        Self { child, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: simulator\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn listens_on_loopback_and_ends_when_told() {
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start(&["--port", "0", "--now", "2025-10-20T12:00:00Z"]);
        assert!(running.address.starts_with("127.0.0.1:"));
        assert!(running.get("/health").contains("\"now\":\"2025-10-20T12:00:00Z\""));
        // A client that keeps its connection open doesn't keep the program.
        let _idle = TcpStream::connect(&running.address).unwrap();
        Command::new("kill").args([signal, &running.child.id().to_string()]).status().unwrap();
        assert!(running.child.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn follows_the_real_time_unless_told_otherwise() {
    let running = Running::start(&[]);
    let year = |answer: &str| answer.split("\"now\":\"").nth(1).map(|now| now[..4].parse::<i32>().unwrap());
    assert!(year(&running.get("/health")) > Some(2024));
}

#[test]
fn a_wrong_argument_is_named() {
    for (args, named) in [
        (&["--scenario", "sunny"][..], "sunny"),
        (&["--now", "noon"], "a time looks like"),
        (&["--lookup-rate=-1"], "0 or more"),
        (&["--lookup-rate", "fast"], "0 or more"),
        (&["--delivery-delay", "9..1"], "60..600"),
        (&["--servers", "0"], "--servers"),
        (&["--records", "/nowhere"], "cannot read the folder /nowhere"),
        (&["--records", ".", "--scenario", "random"], "cannot be used with"),
        (&["--port", "70000"], "70000"),
        (&["--further-scope", "us-east-1"], "222233334444/us-east-1"),
        (&["--further-scope", "222233334444/us-east-1=sunny"], "sunny"),
        (&["--further-scope", "222233334444/us-east-1=random:many"], "many"),
    ] {
        let output = Command::new(PROGRAM).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(named), "{args:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}
