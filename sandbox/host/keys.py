"""Access keys, asked for only where `--enableAuth` says so, as Core Tools does."""

import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    """`function` opens functions of level FUNCTION; `master` opens those and level ADMIN."""

    function: str
    master: str

    def admits(self, level: str, presented: str) -> bool:
        if level == "ANONYMOUS":
            return True
        accepted = (self.master,) if level == "ADMIN" else (self.function, self.master)
        return any(hmac.compare_digest(presented.encode(), key.encode()) for key in accepted)


def kept_keys(path: Path) -> Keys:
    """The keys that `path` holds; made there at the first call, readable by its owner only."""
    if path.exists():
        return Keys(**json.loads(path.read_text()))
    keys = Keys(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(keys)))
    return keys
