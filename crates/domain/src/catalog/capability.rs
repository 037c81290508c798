//! What a model can do, in three values: yes, no, and nobody has said.

use serde::{Deserialize, Serialize};

/// Something a model may or may not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Answers piece by piece.
    Streaming,
    /// Calls tools.
    Tools,
    /// Calls several tools in one turn.
    ParallelTools,
    /// Obeys a caller who insists on a tool call.
    ForcedToolChoice,
    /// Keeps to a JSON schema.
    JsonSchema,
    /// Reads images in a conversation.
    Vision,
    /// Reads PDF documents.
    Pdf,
    /// Takes an image to edit or to vary.
    ImageInput,
    /// Hears audio.
    AudioInput,
    /// Speaks.
    AudioOutput,
    /// Watches video.
    VideoInput,
    /// Thinks before it answers.
    Reasoning,
    /// Thinks whether asked to or not.
    ThinkingAlwaysOn,
    /// Lets the caller turn thinking on and off.
    ThinkingToggle,
    /// Its provider caches prompts.
    PromptCache,
    /// Takes `temperature` and its kin.
    SamplingParams,
    /// Continues an answer that the caller began.
    AssistantPrefill,
    /// Its provider searches the web for it.
    WebSearch,
}

/// The capabilities of one model that somebody has stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    present: u32,
    absent: u32,
}

impl Capabilities {
    /// The capabilities in `present` and the incapacities in `absent`; nothing if they contradict each other.
    #[must_use]
    pub fn new(present: &[Capability], absent: &[Capability]) -> Option<Self> {
        let bits = |list: &[Capability]| list.iter().fold(0, |all, one| all | bit(*one));
        let (present, absent) = (bits(present), bits(absent));
        (present & absent == 0).then_some(Self { present, absent })
    }

    /// Whether the model can; nothing where nobody has said.
    #[must_use]
    pub const fn get(self, capability: Capability) -> Option<bool> {
        if self.present & bit(capability) != 0 {
            Some(true)
        } else if self.absent & bit(capability) != 0 {
            Some(false)
        } else {
            None
        }
    }

    /// Whether the model is known to be able.
    #[must_use]
    pub const fn can(self, capability: Capability) -> bool {
        self.present & bit(capability) != 0
    }

    /// Whether the model is known to be unable.
    #[must_use]
    pub const fn cannot(self, capability: Capability) -> bool {
        self.absent & bit(capability) != 0
    }
}

const fn bit(capability: Capability) -> u32 {
    1 << capability as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_said_is_neither_yes_nor_no() {
        let capabilities = Capabilities::new(&[Capability::Tools], &[Capability::WebSearch]).unwrap();
        assert_eq!(capabilities.get(Capability::Tools), Some(true));
        assert_eq!(capabilities.get(Capability::WebSearch), Some(false));
        assert_eq!(capabilities.get(Capability::Vision), None);
        assert!(!capabilities.can(Capability::Vision) && !capabilities.cannot(Capability::Vision));
    }

    #[test]
    fn a_capability_that_is_both_present_and_absent_is_refused() {
        assert_eq!(Capabilities::new(&[Capability::Pdf], &[Capability::Pdf]), None);
    }
}
