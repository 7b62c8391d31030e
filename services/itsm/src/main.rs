//! `itsm`: parses the command line, does it, and says in one sentence what went wrong.

use std::process::ExitCode;

use clap::Parser as _;
use itsm::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome =
        servicekit::telemetry::init(&cli.log, cli.command.log_level()).map_err(itsm::suite::problem).and_then(|()| {
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|error| itsm::import::Problem::new(format!("the runtime cannot start: {error}")))?
                .block_on(itsm::run::run(cli.command))
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("itsm: {problem}");
            ExitCode::FAILURE
        }
    }
}
