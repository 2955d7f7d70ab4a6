//! Kinds (the endpoint that was called) and model types (what is done).

crate::words! {
    /// The endpoint that was called.
    pub enum Kind as "kind" {
        /// `POST /v1/chat/completions`.
        ChatCompletions = "chat.completions",
        /// `POST /v1/responses`.
        Responses = "responses",
        /// `POST /v1/responses/compact`.
        ResponsesCompact = "responses.compact",
        /// `POST /v1/messages`.
        Messages = "messages",
        /// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
        GenerateContent = "generate_content",
        /// `POST /v1/completions`.
        Completions = "completions",
        /// `POST /v1/embeddings`, `:embedContent`, `:batchEmbedContents`.
        Embeddings = "embeddings",
        /// `POST /v1/moderations`.
        Moderations = "moderations",
        /// `POST /v1/rerank`.
        Rerank = "rerank",
        /// `POST /v1/images/generations`.
        ImagesGenerations = "images.generations",
        /// `POST /v1/images/edits`.
        ImagesEdits = "images.edits",
        /// `POST /v1/videos`.
        VideosGenerations = "videos.generations",
        /// `POST /v1/audio/speech`.
        AudioSpeech = "audio.speech",
        /// `POST /v1/audio/transcriptions`.
        AudioTranscriptions = "audio.transcriptions",
        /// `POST /v1/audio/translations`.
        AudioTranslations = "audio.translations",
    }
}

crate::words! {
    /// What is done.
    pub enum ModelType as "model type" {
        /// Text from a conversation.
        TextGenerate = "text_generate",
        /// Vectors of texts.
        TextEmbed = "text_embed",
        /// Whether texts and images are harmful.
        TextModerate = "text_moderate",
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
            Self::TextGenerate | Self::TextEmbed | Self::TextModerate | Self::AudioTranscribe | Self::Rerank => false,
        }
    }
}

impl Kind {
    /// The model type that serves this kind, unless its request says otherwise: a video with a reference image is `image_to_video`.
    #[must_use]
    pub const fn model_type(self) -> ModelType {
        match self {
            Self::ChatCompletions
            | Self::Responses
            | Self::ResponsesCompact
            | Self::Messages
            | Self::GenerateContent
            | Self::Completions => ModelType::TextGenerate,
            Self::Embeddings => ModelType::TextEmbed,
            Self::Moderations => ModelType::TextModerate,
            Self::Rerank => ModelType::Rerank,
            Self::ImagesGenerations => ModelType::ImageGenerate,
            Self::ImagesEdits => ModelType::ImageEdit,
            Self::VideosGenerations => ModelType::VideoGenerate,
            Self::AudioSpeech => ModelType::AudioSpeech,
            Self::AudioTranscriptions | Self::AudioTranslations => ModelType::AudioTranscribe,
        }
    }
}

crate::words! {
    /// The protocol or company behind a platform.
    pub enum Provider as "provider" {
        /// OpenAI and everything compatible with it.
        Openai = "openai",
        /// Anthropic's Messages API and whatever speaks it.
        Anthropic = "anthropic",
        /// Google's Gemini API.
        Gemini = "gemini",
        /// Volcengine Ark.
        Volces = "volces",
        /// Answers offline and repeatably.
        Simulation = "simulation",
    }
}

crate::words! {
    /// Which of OpenAI's two text APIs an upstream is asked by, where it has both.
    pub enum Api as "API" {
        /// `POST /chat/completions`.
        Chat = "chat",
        /// `POST /responses`.
        Responses = "responses",
    }
}

crate::words! {
    /// How an upstream wants to be asked for an order of documents.
    pub enum RerankApi as "rerank API" {
        /// As Jina, and most who serve open models.
        Jina = "jina",
        /// As Cohere.
        Cohere = "cohere",
        /// As Voyage.
        Voyage = "voyage",
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
