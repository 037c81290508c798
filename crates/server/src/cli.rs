//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::config::{Config, Flags};
use crate::exit::Exit;

/// A self-hosted gateway to every AI provider: your keys, your limits, every cent accounted for.
#[derive(Debug, Parser)]
#[command(name = "freehold", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Settings {
    /// Configuration file [default: freehold.toml, if there is one; environment: FREEHOLD_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080; environment: FREEHOLD_LISTEN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory for the database and the root key [default: ./freehold-data; environment: FREEHOLD_DATA_DIR]
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// postgres://… for several nodes [default: SQLite in the data directory; environment: FREEHOLD_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// What to log, for instance `info` or `freehold=debug` [default: info; environment: FREEHOLD_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// `text` or `json` [default: text on a terminal, else json; environment: FREEHOLD_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway and the management API on one port
    Serve,
    /// Check this installation and say what to mend
    Doctor,
    /// Check or print the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the description of the API
    #[command(hide = true)]
    Openapi,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration and say whether it is sound
    Check,
    /// Print the effective configuration, secrets masked
    Dump,
    /// Print the reference of all settings
    #[command(hide = true)]
    Reference,
}

/// Runs the command that the command line names.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() {
                ExitCode::from(64)
            } else {
                ExitCode::SUCCESS
            };
            // If the terminal is gone there is nobody to tell.
            drop(error.print());
            return code;
        }
    };
    match execute(cli) {
        Ok(code) => code,
        Err(exit) => {
            say_error(&exit.to_string());
            exit.code()
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of the executable goes to the terminal"
)]
fn say_error(text: &str) {
    eprintln!("freehold: {text}");
}

fn execute(cli: Cli) -> Result<ExitCode, Exit> {
    let flags = Flags {
        config: cli.settings.config,
        listen: cli.settings.listen,
        data_dir: cli.settings.data_dir,
        database_url: cli.settings.database_url,
        log: cli.settings.log,
        log_format: cli.settings.log_format,
    };
    if let Command::Openapi = cli.command {
        return commands::print_openapi();
    }
    if let Command::Config(ConfigCommand::Reference) = cli.command {
        return commands::print_reference();
    }
    let config = Config::load(flags).map_err(|error| Exit::Usage(error.into()))?;
    match cli.command {
        Command::Serve => commands::serve(config),
        Command::Doctor => commands::doctor(&config),
        Command::Config(ConfigCommand::Dump) => commands::dump(&config),
        Command::Config(_) | Command::Openapi => commands::check(&config),
    }
}
