# Copyright (c) 2026 GreenLang. All rights reserved.
"""Texts as vectors, by a small model that the wheel `wordllama` brings: the mean of what its table has for the tokens.

Of that package only the table and the tokenizer are read. The table is mapped, not read: pods on a node share what they
use.
"""

from __future__ import annotations

import importlib.util
import json
import math
import mmap
import struct
import threading
from pathlib import Path

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
DIMENSIONS = 256
TOKENS = 512  # of a text that count; a document's meaning is there by then


class Model:
    """Loaded by whoever needs it first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded = False

    def embed(self, text: str) -> list[float]:
        """A vector of length 1; of a text without a known token, the first axis."""
        with self._lock:
            if not self._loaded:
                self._load()
        tokens = self._tokenizer.encode(text, add_special_tokens=False).ids[:TOKENS]
        rows = [self._row.unpack_from(self._table, self._begin + token * self._row.size) for token in tokens]
        mean = [sum(column) for column in zip(*rows, strict=True)]
        length = math.hypot(*mean)
        return [value / length for value in mean] if length else [1.0] + [0.0] * (DIMENSIONS - 1)

    def _load(self) -> None:
        from tokenizers import Tokenizer

        found = importlib.util.find_spec("wordllama")  # without importing it, which would load much more
        if found is None or not found.submodule_search_locations:
            raise RuntimeError("the package wordllama, which has the model, is not installed")
        folder = Path(found.submodule_search_locations[0])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        with (folder / WEIGHTS).open("rb") as file:
            self._table = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        size = struct.unpack_from("<Q", self._table)[0]
        described = json.loads(self._table[8 : 8 + size])["embedding.weight"]
        if described["dtype"] != "F16" or described["shape"][1] != DIMENSIONS:
            raise RuntimeError(f"{WEIGHTS} is {described}, not the table of half floats that is expected")
        self._begin = 8 + size + described["data_offsets"][0]
        self._row = struct.Struct(f"<{DIMENSIONS}e")
        self._loaded = True
