//! `/v1/byok`.

mod providers;
