//! Typed identifiers: a UUID v7 behind a readable prefix, so that an id tells what it names and sorts by birth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::time::Timestamp;

/// The text is not an identifier of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id of the form {prefix}<32 hexadecimal digits>")]
pub struct IdError {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// The prefix that was expected, underscore included.
    pub prefix: &'static str,
}

fn parse(text: &str, prefix: &'static str) -> Result<Uuid, IdError> {
    text.strip_prefix(prefix)
        .filter(|rest| rest.len() == 32)
        .and_then(|rest| Uuid::try_parse(rest).ok())
        .ok_or_else(|| IdError {
            text: text.chars().take(64).collect(),
            prefix,
        })
}

/// Source of identifiers. Time and chance come in from outside, so tests hand out the same ids every time.
pub trait IdSource: Send + Sync {
    /// A UUID v7 that was never handed out before, later than all that were.
    fn next_uuid(&self) -> Uuid;
}

/// A UUID v7 made of `now` and ten bytes of chance (RFC 9562, section 5.7).
#[must_use]
pub fn uuid_v7(now: Timestamp, chance: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What every text form of this id begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id that wraps `uuid`.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A fresh id from `ids`.
            #[must_use]
            pub fn new(ids: &dyn IdSource) -> Self {
                Self(ids.next_uuid())
            }

            /// The bare UUID, as the databases keep it.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($prefix, "{}"), self.0.as_simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// One installation: the databases and the root key that belong together.
    InstallationId,
    "inst_"
);
id!(
    /// A workspace: the unit of isolation, with its own keys, plan and data key.
    WorkspaceId,
    "ws_"
);
id!(
    /// A virtual key, the secret we issue to callers.
    VirtualKeyId,
    "vk_"
);
id!(
    /// A provider key, the secret a customer or the platform stores with us.
    ProviderKeyId,
    "pk_"
);
id!(
    /// One received inference request, and its usage record.
    RequestId,
    "req_"
);
id!(
    /// One line of the credit ledger.
    EntryId,
    "ent_"
);

impl WorkspaceId {
    /// The workspace that owns the platform's own provider keys. It has a data key like any other, and no callers.
    pub const PLATFORM: Self = Self(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_shows() {
        let id = RequestId::from_uuid(uuid_v7(Timestamp::from_micros(1_763_683_200_000_000), [7; 10]));
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        assert!(id.to_string().starts_with("req_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = WorkspaceId::from_uuid(Uuid::nil());
        assert!(id.to_string().parse::<VirtualKeyId>().is_err());
        assert!("ws_123".parse::<WorkspaceId>().is_err());
    }
}
