//! Recorded cases, one folder each, and the snapshots beside them.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use freehold_domain::provider::ProviderKind;
use freehold_wire::adapter::{Adapter, adapter};
use freehold_wire::openai::chat::ChatRequest;
use freehold_wire::{FaultClass, UpstreamFault};

pub(crate) struct Case {
    pub(crate) name: String,
    folder: PathBuf,
}

/// The cases in `fixtures/<folder>`, in order.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder);
    let mut cases: Vec<Case> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            Case { name, folder }
        })
        .collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(!cases.is_empty());
    cases
}

impl Case {
    pub(crate) fn read(&self, file: &str) -> Bytes {
        Bytes::from(std::fs::read(self.folder.join(file)).unwrap())
    }

    /// Compares `text` with the snapshot `name` in the case's folder.
    pub(crate) fn assert_snapshot(&self, name: &str, text: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&self.folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }

    /// The kind of provider that the case's name begins with.
    pub(crate) fn kind(&self) -> ProviderKind {
        let kinds = [
            ("openai-", ProviderKind::Openai),
            ("compatible-", ProviderKind::OpenaiCompatible),
            ("anthropic-compatible-", ProviderKind::AnthropicCompatible),
            ("anthropic-", ProviderKind::Anthropic),
            ("ollama-", ProviderKind::Ollama),
        ];
        kinds
            .iter()
            .find(|(prefix, _)| self.name.starts_with(prefix))
            .unwrap()
            .1
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        adapter(self.kind()).unwrap()
    }
}

/// A request that asks for `n` choices, and streams with or without usage.
pub(crate) fn request(choices: u32, include_usage: bool) -> ChatRequest {
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"n":{choices},"stream":true,"stream_options":{{"include_usage":{include_usage}}}}}"#
    );
    ChatRequest::parse(Bytes::from(body)).unwrap()
}

/// A fault on one line.
pub(crate) fn shown(fault: &UpstreamFault) -> String {
    let UpstreamFault {
        class,
        status,
        kind,
        code,
        param,
        message,
        retry_after_ms,
    } = fault;
    let class = FaultClass::as_str(*class);
    format!("{class} {status} {kind:?} {code:?} {param:?} {message:?} {retry_after_ms:?}")
}
