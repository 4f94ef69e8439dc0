"""Which container a file is, told from its content, and whether it holds all the bytes that it announces.

FFmpeg decodes a file that was cut off as if it were merely shorter. Minutes built on half a recording would be
silently wrong, so each container's own bookkeeping is read here before anything is decoded.
"""

from jobs.transcription.containers.sniff import Container, announced_audio, sniff

__all__ = ["Container", "announced_audio", "sniff"]
