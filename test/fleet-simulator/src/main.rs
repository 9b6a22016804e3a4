//! Wiring: the command line, the clock, the fleet, the port.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fleet_simulator::clock::{Clock, FrozenClock, SystemClock};
use fleet_simulator::options::Options;
use fleet_simulator::scenario;
use fleet_simulator::scopes::Scopes;
use fleet_simulator::service::Simulator;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("fleet-simulator: {cause:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let clock = || -> Box<dyn Clock> {
        match options.now {
            Some(now) => Box::new(FrozenClock::new(now)),
            None => Box::new(SystemClock::default()),
        }
    };
    let world = scenario::build(options, clock().now())?;
    let home = Simulator::new(world, options.settings(), clock());
    let scopes = Scopes::of(home, options, clock)?;
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .with_context(|| format!("cannot listen on port {}", options.port))?;
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    println!("fleet-simulator listening on http://{}", listener.local_addr()?);
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    let served = axum::serve(listener, scopes.router()).with_graceful_shutdown(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        // Nobody listens only where the server has failed already.
        let _ = stop.send(());
    });
    tokio::select! {
        outcome = served.into_future() => outcome.context("the server failed"),
        // A call that was told to hang, or a client that keeps its connection, must not keep the process.
        () = async { let _ = stopping.await; tokio::time::sleep(Duration::from_millis(500)).await } => Ok(()),
    }
}
