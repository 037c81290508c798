//! The reference of all settings, from one table, so that the document cannot differ from the program.

/// One setting: name in the file, variable, default, what it does.
struct Setting {
    name: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
    meaning: &'static str,
    secret: bool,
}

const fn setting(
    name: &'static str,
    variable: Option<&'static str>,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        variable,
        default,
        meaning,
        secret: false,
    }
}

const fn secret(
    name: &'static str,
    variable: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        name,
        variable: Some(variable),
        default,
        meaning,
        secret: true,
    }
}

const SETTINGS: &[Setting] = &[
    setting(
        "listen",
        Some("FREEHOLD_LISTEN"),
        "127.0.0.1:8080",
        "Address and port to listen on.",
    ),
    setting(
        "data_dir",
        Some("FREEHOLD_DATA_DIR"),
        "./freehold-data",
        "Directory for the database and the root key; mode 0700.",
    ),
    secret(
        "database_url",
        "FREEHOLD_DATABASE_URL",
        "SQLite in the data directory",
        "`postgres://…` for several nodes.",
    ),
    secret(
        "redis_url",
        "FREEHOLD_REDIS_URL",
        "none",
        "Redis. Read and checked, not used by this version: nodes follow each other through the database.",
    ),
    secret(
        "root_key",
        "FREEHOLD_ROOT_KEY",
        "`root.key` in the data directory, made on first start",
        "The key that wraps all others: 32 bytes, base64.",
    ),
    secret(
        "admin_token",
        "FREEHOLD_ADMIN_TOKEN",
        "made on first start",
        "The operator token, which reaches `/admin/v1`.",
    ),
    setting(
        "log",
        Some("FREEHOLD_LOG"),
        "info",
        "What to log: a level, or a filter such as `freehold_gateway=debug,info`.",
    ),
    setting(
        "log_format",
        Some("FREEHOLD_LOG_FORMAT"),
        "text on a terminal, else json",
        "`text` or `json`.",
    ),
    setting(
        "egress.private_targets",
        None,
        "[]",
        "Private addresses that provider keys may point at: `host:port`, `cidr:port` or `cidr:*`. The API can never add one.",
    ),
    setting(
        "egress.allowed_hosts",
        None,
        "any public host",
        "If set, base URLs may only name these hosts.",
    ),
    setting(
        "egress.denied_ranges",
        None,
        "[]",
        "Address ranges that are refused besides the built-in ones.",
    ),
    setting("limits.body_bytes_max", None, "10485760", "Largest request body."),
    setting(
        "limits.reply_bytes_max",
        None,
        "67108864",
        "Largest reply that is not a stream.",
    ),
    setting(
        "limits.request_deadline_seconds",
        None,
        "900",
        "Longest life of one request.",
    ),
    setting(
        "limits.heartbeat_seconds",
        None,
        "15",
        "Silence of a provider after which a stream gets a comment line.",
    ),
    setting(
        "limits.attempts_max",
        None,
        "8",
        "Most calls to providers for one request.",
    ),
    setting(
        "limits.drain_seconds",
        None,
        "120",
        "How long running requests may take to finish after SIGTERM.",
    ),
    setting(
        "credits.credit_price_usd",
        None,
        "\"0.01\"",
        "What one credit is worth.",
    ),
    setting(
        "platform_keys[].provider",
        None,
        "–",
        "Provider of a key of the platform's own.",
    ),
    setting(
        "platform_keys[].key",
        Some("FREEHOLD_PLATFORM_<PROVIDER>_KEY"),
        "–",
        "The key; or `key_file`, the file that holds it.",
    ),
    setting(
        "platform_keys[].base_url",
        None,
        "the provider's own",
        "Where its requests go.",
    ),
    setting(
        "platform_keys[].name",
        None,
        "the provider's name",
        "What its models are called by.",
    ),
    setting(
        "platform_keys[].label",
        None,
        "none",
        "What the operator calls it.",
    ),
    setting("platform_keys[].priority", None, "0", "Smaller is tried first."),
    setting(
        "plans[]",
        None,
        "free, starter, pro, team, enterprise",
        "Replaces or adds plans by `name`; the other fields are those of `PUT /admin/v1/plans/{name}`.",
    ),
];

/// The reference as Markdown.
pub(crate) fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Built-in defaults hold until `freehold.toml` (or the file named by `--config` or `FREEHOLD_CONFIG`) says otherwise;\n\
         the environment wins over the file, the command line over the environment. Unknown keys in the file are errors.\n\
         Every secret setting can also be given by file: `name_file` in the file, `NAME_FILE` in the environment.\n\n\
         | setting | environment | default | meaning |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let variable = match setting.variable {
            Some(variable) if setting.secret => format!("`{variable}`, `{variable}_FILE`"),
            Some(variable) => format!("`{variable}`"),
            None => "–".to_owned(),
        };
        text.push_str(&format!(
            "| `{}` | {variable} | {} | {} |\n",
            setting.name, setting.default, setting.meaning
        ));
    }
    text.push_str("\nThis page is generated; change `crates/server/src/config/reference.rs` and run `cargo xtask generate`.\n");
    text
}
