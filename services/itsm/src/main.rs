//! `itsm`: parses the command line, does it, and says in one sentence what went wrong.

use std::process::ExitCode;

use clap::Parser as _;
use itsm::cli::Cli;
use itsm::doctor::unknown_settings;
use itsm::import::Problem;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        let Some(sentence) = itsm::cli::from_environment(&error, |name| std::env::var(name).ok()) else { error.exit() };
        eprintln!("itsm: {sentence}");
        std::process::exit(2);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(start(cli)),
        Err(error) => Err(Problem::new(format!("the runtime cannot start: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("itsm: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Starts telemetry, does what the command says, and sends what telemetry still holds.
async fn start(cli: Cli) -> Result<(), Problem> {
    let telemetry = servicekit::telemetry::init(&cli.log, cli.command.log_level(), cli.command.service_name())
        .map_err(itsm::suite::problem)?;
    for name in unknown_settings(std::env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("nothing reads {name}: unset it, or see `itsm help COMMAND` for how the setting is called");
    }
    let outcome = itsm::run::run(cli.command).await;
    tokio::task::block_in_place(|| telemetry.finish());
    outcome
}
