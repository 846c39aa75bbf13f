"""What this process may fetch, with which secret and for how long."""

from dataclasses import dataclass, field
from pathlib import Path

# Below the router's ten minutes, so that it hears the reason.
DEFAULT_TIMEOUT_S = 540.0


@dataclass(frozen=True, slots=True)
class DownloadAccess:
    """The settings of downloads. server_token is a secret: it is never printed."""

    cache: Path
    # The hub's token of whoever runs the server: for the adapters that the server was started with.
    server_token: str | None = field(default=None, repr=False)
    # Whether requests without a token of their own may use it too (LORAX_USE_GLOBAL_HF_TOKEN).
    shares_server_token: bool = False
    # Nothing is asked of a hub: what the cache holds is open to every request.
    offline: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S

    def token_for_request(self, api_token: str | None) -> str | None:
        """The token for an adapter that a request names."""
        return api_token or (self.server_token if self.shares_server_token else None)
