//! Kinds (the endpoint that was called) and model types (what is done).

crate::words! {
    /// The endpoint that was called.
    pub enum Kind as "kind" {
        /// `POST /v1/chat/completions`.
        ChatCompletions = "chat.completions",
    }
}

crate::words! {
    /// What is done.
    pub enum ModelType as "model type" {
        /// Text from a conversation.
        TextGenerate = "text_generate",
        /// Vectors of texts.
        TextEmbed = "text_embed",
        /// An image from a prompt.
        ImageGenerate = "image_generate",
        /// An image from images and a prompt.
        ImageEdit = "image_edit",
        /// A video from a prompt.
        VideoGenerate = "video_generate",
        /// A video from an image.
        ImageToVideo = "image_to_video",
        /// Speech from text.
        AudioSpeech = "audio_speech",
        /// Text from speech.
        AudioTranscribe = "audio_transcribe",
        /// An order of documents by relevance.
        Rerank = "rerank",
    }
}

impl ModelType {
    /// Whether the work is a paid job whose result is made once: one that may have been accepted is never submitted again.
    #[must_use]
    pub const fn is_media(self) -> bool {
        match self {
            Self::ImageGenerate | Self::ImageEdit | Self::VideoGenerate | Self::ImageToVideo | Self::AudioSpeech => true,
            Self::TextGenerate | Self::TextEmbed | Self::AudioTranscribe | Self::Rerank => false,
        }
    }
}

impl Kind {
    /// The model type that serves this kind.
    #[must_use]
    pub const fn model_type(self) -> ModelType {
        match self {
            Self::ChatCompletions => ModelType::TextGenerate,
        }
    }
}

crate::words! {
    /// The protocol or company behind a platform.
    pub enum Provider as "provider" {
        /// OpenAI and everything compatible with it.
        Openai = "openai",
        /// Answers offline and repeatably.
        Simulation = "simulation",
    }
}

crate::words! {
    /// Whether a task is meant to cost anything.
    pub enum RunMode as "run mode" {
        /// The real thing.
        Live = "live",
        /// The same path with the simulation client, charged nothing.
        Simulation = "simulation",
    }
}
