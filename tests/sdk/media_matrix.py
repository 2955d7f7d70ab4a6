"""Who makes and hears media: providers, their models, what each of them can do; and the catalogue that has them all."""

from dataclasses import dataclass
from decimal import Decimal

from matrix import WAYS
from mocks.media.files import CLIP_SECONDS
from mocks.server import SECRET

# What a thing costs, before the group's multiplier, and how many of ours are one of the price's: images, seconds of video, characters,
# seconds of sound that is heard.
PRICES = {
    "image": ("per_image", "0.04", 1),
    "video": ("per_second", "0.10", 1),
    "speech": ("per_million_characters", "15", 1_000_000),
    "transcribe": ("per_minute", "0.006", 60),
}
TYPES = {
    "image": ["image_generate", "image_edit"],
    "video": ["video_generate", "image_to_video"],
    "speech": ["audio_speech"],
    "transcribe": ["audio_transcribe"],
}
MULTIPLIER = "1.5"

# provider and path under the mocks' address
PLATFORMS = {
    "openai": ("openai", "/openai/v1"),
    "gemini": ("gemini", "/gemini/v1beta"),
    "volces": ("volces", "/volces/api/v3"),
    "openspeech": ("volces", "/openspeech"),
    "simulation": ("simulation", None),
}

# public model: platform, what it does, upstream name
MODELS = {
    "openai/image": ("openai", "image", "gpt-image-1.5"),
    "openai/image-by-url": ("openai", "image", "flux-1"),
    "openai/video": ("openai", "video", "sora-2"),
    "openai/speech": ("openai", "speech", "gpt-4o-mini-tts"),
    "openai/transcribe": ("openai", "transcribe", "gpt-4o-transcribe"),
    "openai/whisper": ("openai", "transcribe", "whisper-1"),
    "gemini/image": ("gemini", "image", "gemini-3-pro-image-preview"),
    "gemini/image-old": ("gemini", "image", "gemini-2.5-flash-image"),
    "gemini/video": ("gemini", "video", "veo-3.1-generate-preview"),
    "gemini/speech": ("gemini", "speech", "gemini-2.5-flash-preview-tts"),
    "gemini/transcribe": ("gemini", "transcribe", "gemini-3-flash-preview"),
    "volces/image": ("volces", "image", "doubao-seedream-4-5-251128"),
    "volces/image-pro": ("volces", "image", "doubao-seedream-5-0-pro-260628"),
    "volces/video": ("volces", "video", "doubao-seedance-1-5-pro-251215"),
    "volces/video-silent": ("volces", "video", "doubao-seedance-1-0-pro-250528"),
    "volces/speech": ("openspeech", "speech", "seed-tts-2.0"),
    "volces/transcribe": ("openspeech", "transcribe", "volc.bigasr.auc_turbo"),
    "simulation/image": ("simulation", "image", "image"),
    "simulation/video": ("simulation", "video", "video"),
    "simulation/speech": ("simulation", "speech", "speech"),
    "simulation/transcribe": ("simulation", "transcribe", "transcribe"),
}

PROVIDERS = ("openai", "gemini", "volces", "simulation")
# Every video that the mocks make is this long.
SECONDS = CLIP_SECONDS


@dataclass(frozen=True)
class Place:
    """A provider behind the gateway, or OpenAI's mock itself (`direct`), which proves mocks and tests."""

    provider: str
    direct: bool = False

    def __str__(self):
        return f"direct-{self.provider}" if self.direct else self.provider

    def model(self, what):
        public = f"{self.provider}/{what}"
        return MODELS[public][2] if self.direct else public


def places(*providers, direct=True):
    """Those of these providers (all by default) whose way is to be run."""
    wanted = providers or PROVIDERS
    known = [Place("openai", True)] if direct and "openai" in wanted and "direct" in WAYS else []
    return known + [Place(provider) for provider in wanted if "gateway" in WAYS]


def price_of(what, amount):
    """What so many of its unit cost an account: images, seconds, characters."""
    _, price, unit = PRICES[what]
    return Decimal(price) * amount * Decimal(MULTIPLIER) / unit


def catalogue(url):
    text = []
    for name, (provider, path) in PLATFORMS.items():
        where = "" if path is None else f'base_url = "{url}{path}"\ncredentials = [{{ secret = "{SECRET}" }}]\n'
        text.append(f'[[platform]]\nname = "{name}"\nprovider = "{provider}"\n{where}')
    for public, (platform, what, upstream) in MODELS.items():
        types = ", ".join(f'"{each}"' for each in TYPES[what])
        price = f'price = {{ {PRICES[what][0]} = "{PRICES[what][1]}" }}'
        text.append(
            f'[[model]]\nname = "{public}"\n\n[[platform_model]]\nplatform = "{platform}"\nmodel = "{public}"\nupstream_name = "{upstream}"\n'
            f"model_types = [{types}]\n{price}\n"
        )
    # A chat, for the task object of any kind.
    chat = 'price = { input_per_million = "1", output_per_million = "2" }'
    text.append(f'[[model]]\nname = "chat"\n\n[[platform_model]]\nplatform = "simulation"\nmodel = "chat"\n{chat}\n')
    text.append(f'[[group]]\nname = "default"\nprice_multiplier = "{MULTIPLIER}"\nmodels = ["*"]\n')
    return "\n".join(text)
