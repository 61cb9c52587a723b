# Copyright (c) 2026 GreenLang. All rights reserved.
"""pgBackRest's own file: what all members share, and the keys out of mounted Secrets, which thereby are in no argument
and no environment."""

from __future__ import annotations

from .settings import CONFIG, RUN, SECRETS, STATE, Refusal, write_whole

# Key of the Secret → the option that it is, and in which kind of repository.
KEYS = {
    "cipher-key": "repo1-cipher-pass",
    "access-key-id": "repo1-s3-key",
    "secret-access-key": "repo1-s3-key-secret",
}


def whole(shared: str, secrets: dict[str, str]) -> str:
    """The file. Refusal where a key is missing that the shared part makes necessary. Pure."""
    needed = []
    if "repo1-cipher-type=aes-256-cbc" in shared:
        needed.append("cipher-key")
    if "repo1-type=s3" in shared:
        needed += ["access-key-id", "secret-access-key"]
    for key in needed:
        value = secrets.get(key, "")
        if not value or "\n" in value:
            remedy = "playbooks/secrets.yml makes it" if key == "cipher-key" else "put it into data_s3_secret"
            raise Refusal(f"the archive's key {key} is missing: {remedy}")
    lines = "".join(f"{KEYS[key]}={secrets[key]}\n" for key in needed)
    head, mark, rest = shared.partition("[global]\n")
    return f"{head}{mark}{lines}{rest}"


def write() -> None:
    """Have the file be as the Secrets are now."""
    shared = (CONFIG / "pgbackrest.conf").read_text()
    secrets = {key: (SECRETS / key).read_text().strip("\n") for key in KEYS if (SECRETS / key).is_file()}
    text = whole(shared, secrets)
    target = RUN / "pgbackrest.conf"
    if not target.exists() or target.read_text() != text:
        write_whole(target, text)
    STATE.mkdir(mode=0o700, exist_ok=True)
