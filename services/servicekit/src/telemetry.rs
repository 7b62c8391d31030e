//! The log: to stderr, as text on terminals and as JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::error::{self, Error};

/// Starts logging for the process, at `default` unless the settings say otherwise; a second call changes nothing.
pub fn init(config: &Log, default: &str) -> Result<(), Error> {
    let wanted = config.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(wanted).map_err(|cause| {
        let message = format!("--log {wanted:?} cannot be read ({cause}): try info or debug");
        Error::refused(error::CONFIGURATION_INVALID, "", message)
    })?;
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json {
        subscriber.json().flatten_event(true).try_init()
    } else {
        subscriber.with_target(false).compact().try_init()
    };
    if started.is_err() {
        tracing::debug!("logging is set up already");
    }
    Ok(())
}
