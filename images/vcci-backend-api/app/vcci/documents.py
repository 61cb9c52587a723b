# Copyright (c) 2026 GreenLang. All rights reserved.
"""Documents that are found by what they mean: vectors of our own model, kept and searched by Weaviate at a quorum."""

from __future__ import annotations

import json
import uuid
from typing import Any

from vcci.embedding import Model
from vcci.weaviate import Weaviate, WeaviateError

COLLECTION = "Document"
QUORUM = "consistency_level=QUORUM"
SPACE = uuid.UUID("6f0a4c5e-2d8f-5b7e-9a55-76636369aaaa")  # of ids
# How many copies there are is Weaviate's own setting (REPLICATION_MINIMUM_FACTOR).
SCHEMA = {
    "class": COLLECTION,
    "vectorizer": "none",
    "vectorIndexConfig": {"distance": "cosine"},
    "replicationConfig": {"asyncEnabled": True, "deletionStrategy": "TimeBasedResolution"},
    "properties": [{"name": name, "dataType": ["text"]} for name in ("title", "text")],
}


class Documents:
    def __init__(self, weaviate: Weaviate) -> None:
        self._weaviate, self._model, self._copies = weaviate, Model(), 0

    def add(self, title: str, text: str) -> str:
        """Its id, which follows from what it is: the same document again is the same document."""
        number = str(uuid.uuid5(SPACE, f"{title}\0{text}"))
        one = {
            "class": COLLECTION,
            "id": number,
            "properties": {"title": title, "text": text},
            "vector": self._model.embed(f"{title}\n{text}"),
        }
        self._ensure()
        status, content = self._weaviate.ask("POST", f"/v1/batch/objects?{QUORUM}", {"objects": [one]})
        wrong = content if status != 200 else [done["result"].get("errors") for done in content]
        if status != 200 or any(wrong):
            raise WeaviateError(f"{status}: {str(wrong)[:300]}")
        return number

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """The nearest first."""
        self._ensure()
        near = f"nearVector: {{vector: {json.dumps(self._model.embed(query))}}}"
        # Weaviate knows no level where there is one copy.
        level = "consistencyLevel: QUORUM, " if self._copies > 1 else ""
        asked = f"{COLLECTION}({level}limit: {limit}, {near})"
        wanted = f"{{ Get {{ {asked} {{ title text _additional {{ id distance }} }} }} }}"
        status, content = self._weaviate.ask("POST", "/v1/graphql", {"query": wanted})
        if status != 200 or content.get("errors"):
            raise WeaviateError(f"{status}: {str(content)[:300]}")
        return [
            {
                "id": one["_additional"]["id"],
                "title": one["title"],
                "text": one["text"],
                "distance": one["_additional"]["distance"],
            }
            for one in content["data"]["Get"][COLLECTION] or []
        ]

    def check(self) -> None:
        """Raise unless a member answers that it is ready."""
        status, _content = self._weaviate.ask("GET", "/v1/.well-known/ready", rounds=1)
        if status != 200:
            raise WeaviateError(str(status))

    def _ensure(self) -> None:
        """The collection is there; several who make it at once get one."""
        if self._copies:
            return
        path = f"/v1/schema/{COLLECTION}"
        status, content = self._weaviate.ask("GET", path)
        if status == 404:
            status, content = self._weaviate.ask("POST", "/v1/schema", SCHEMA)
            if status == 200 or (status == 422 and "already exists" in json.dumps(content)):
                status, content = self._weaviate.ask("GET", path)
        if status != 200:
            raise WeaviateError(f"the collection: {status}: {str(content)[:300]}")
        self._copies = int(content["replicationConfig"]["factor"])
