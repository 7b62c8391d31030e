//! `itsm`: parses the command line, does it, and says in one sentence what went wrong.

use std::process::ExitCode;

use clap::Parser as _;
use itsm::cli::Cli;
use itsm::import::Problem;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        let Some(sentence) = itsm::cli::from_environment(&error, |name| std::env::var(name).ok()) else { error.exit() };
        eprintln!("itsm: {sentence}");
        std::process::exit(2);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(itsm::run::start(cli)),
        Err(error) => Err(Problem::new(format!("the runtime cannot start: {error}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("itsm: {problem}");
            ExitCode::from(problem.code())
        }
    }
}
