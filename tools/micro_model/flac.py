"""Writes 16 kHz mono PCM as FLAC."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tools.micro_model.speech import SAMPLE_RATE_HZ, Pcm16


def write_flac(path: Path, samples: Pcm16) -> None:
    """Write the samples losslessly; equal samples give an equal file with the same FFmpeg."""
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono")
        stream.codec_context.options = {"compression_level": "12"}
        container.metadata.clear()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
