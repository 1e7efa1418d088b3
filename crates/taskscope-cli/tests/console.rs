//! `taskscope demo --console`.
#![cfg(feature = "console")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use common::{Sandbox, until};

/// One test, since there is one default address.
#[test]
fn with_console_the_run_is_served_and_a_taken_address_is_reported() {
    const ADDRESS: (&str, u16) = ("127.0.0.1", 6669);
    let sandbox = Sandbox::new();
    let demo = ["demo", "yields", "--size", "20x", "--no-view", "--console", "--out", "a.tscope"];
    let mut command = sandbox.command(&demo);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // HTTP/2, which gRPC speaks: our preface with empty settings, its settings.
    let mut stream = until("the server", || TcpStream::connect(ADDRESS).ok());
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("it listens");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("it answers");
    assert_eq!(frame[3], 4, "a settings frame: {frame:?}");
    drop(stream);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("tokio-console"), "{said}");
    // The same run, recorded all the same.
    let usual = taskscope_demos::find("yields").expect("there is such a demo").default_tasks;
    assert_eq!(sandbox.summary("a.tscope")["tasks"]["returned"], 20 * usual);

    let _taken = TcpListener::bind(ADDRESS).expect("it is free again");
    sandbox.run(&demo).failed(&["127.0.0.1:6669", "in use", "without --console"]);
}
