"""Readers of other programs' documents, one file each. A new one is a file here and a line in `DECODERS`."""

from __future__ import annotations

from chatlog.storage.mirror.decoders import agent_framework_dotnet, agent_framework_python, seed
from chatlog.storage.mirror.found import Decoder

# The first that knows a document's form reads it; the marks of no two overlap.
DECODERS: tuple[Decoder, ...] = (seed.decode, agent_framework_python.decode, agent_framework_dotnet.decode)
