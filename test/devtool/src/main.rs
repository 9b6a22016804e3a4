//! Wiring: arguments, clients, the time.

use std::process::ExitCode;

use chrono::Utc;
use clap::Parser;
use devtool::{Arguments, run};
use uptime_aws::clients::Clients;
use uptime_aws::wiring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let clients = Clients::from_env().await;
    #[expect(clippy::disallowed_methods, reason = "wiring: here now becomes an argument")]
    let now = Utc::now();
    match run(arguments, clients, &wiring::variable, now).await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("devtool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
