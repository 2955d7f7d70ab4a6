"""Real files: pictures, a clip, sound. Whoever opens them finds what was asked for."""

import functools
import io
import math
import pathlib
import struct
import subprocess
import tempfile
import wave

from PIL import Image

RATE = 24_000
# Four seconds of 160x90 with sound, 2 frames a second: `ffmpeg -f lavfi -i testsrc=size=160x90:rate=2:duration=4 -f lavfi -i anullsrc …`.
CLIP = (pathlib.Path(__file__).parent / "clip.mp4").read_bytes()
CLIP_SECONDS = 4
MEDIA_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "mp4": "video/mp4",
}


@functools.lru_cache(maxsize=64)
def picture(form, width, height, seed=0):
    """One colour by `seed`, so that two pictures of one answer differ."""
    image = Image.new("RGB", (width, height), ((37 * seed + 60) % 256, (91 * seed + 20) % 256, (53 * seed + 120) % 256))
    out = io.BytesIO()
    image.save(out, form.upper(), **({"compress_level": 1} if form == "png" else {}))
    return out.getvalue()


@functools.lru_cache(maxsize=16)
def mask(width, height):
    """A mask: its left half is transparent."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def size_of(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.size


@functools.lru_cache(maxsize=8)
def pcm(seconds=1.0):
    """A tone of 440 Hz, 16 bit, mono."""
    return b"".join(struct.pack("<h", int(9_000 * math.sin(2 * math.pi * 440 * at / RATE))) for at in range(int(RATE * seconds)))


@functools.lru_cache(maxsize=32)
def sound(form="wav", seconds=1.0):
    samples = pcm(seconds)
    if form == "pcm":
        return samples
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    if form == "wav":
        return out.getvalue()
    muxer, codec = {"mp3": ("mp3", "libmp3lame"), "opus": ("ogg", "libopus"), "aac": ("adts", "aac"), "flac": ("flac", "flac")}[form]
    # By way of a file: a pipe can't be gone back in, and the length of a FLAC stands at its beginning.
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "sound"
        command = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-c:a", codec, "-f", muxer, str(path)]
        subprocess.run(command, input=out.getvalue(), check=True)
        return path.read_bytes()


def seconds_of(data):
    """How long a WAV is, or None if it is none."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError):
        return None


def kind_of(data):
    """What a file is by its first bytes, as a word of `MEDIA_TYPES`, or None."""
    for start, kind in [(b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"OggS", "opus"), (b"fLaC", "flac"), (b"ID3", "mp3"), (b"\xff\xfb", "mp3")]:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(data[8:12])
    return "mp4" if data[4:8] == b"ftyp" else None
