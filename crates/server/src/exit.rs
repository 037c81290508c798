//! Exit codes, after `sysexits.h`.

use std::fmt;
use std::process::ExitCode;

/// The command line or the configuration is wrong.
const USAGE: u8 = 64;
/// Something that should have worked did not.
const SOFTWARE: u8 = 70;
/// The configuration is sound, but does not belong to this installation: the wrong root key.
const CONFIG: u8 = 78;

/// Why the executable stops, and with which code.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The user can mend it on the command line, in the file or in the environment.
    Usage(anyhow::Error),
    /// The root key is missing or another one.
    RootKey(anyhow::Error),
    /// Something broke.
    Failure(anyhow::Error),
}

impl Exit {
    /// The code for the shell.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => USAGE,
            Self::RootKey(_) => CONFIG,
            Self::Failure(_) => SOFTWARE,
        })
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(error) | Self::RootKey(error) | Self::Failure(error)) = self;
        // One line, with every cause: what happened, then why.
        write!(out, "{error:#}")
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Self {
        Self::Failure(error)
    }
}
