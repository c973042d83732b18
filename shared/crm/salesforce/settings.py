"""Where the Salesforce organisation is, and how this app may act for its users."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

MEBIBYTE = 1024 * 1024


class SalesforceSettings(BaseModel):
    """Application settings `THREADLINE_SALESFORCE_<NAME>`."""

    model_config = ConfigDict(frozen=True)

    url: HttpUrl = Field(
        description="The organisation's My Domain, such as https://contoso.my.salesforce.com."
    )
    consumer_key: str = Field(min_length=1, description="Consumer key of the connected app.")
    private_key: SecretStr | None = Field(
        None, description="The PEM key whose certificate the connected app holds."
    )
    private_key_file: Path | None = Field(None, description="Where that key lies as a file.")
    login_url: HttpUrl = Field(
        HttpUrl("https://login.salesforce.com"),
        description="Whom assertions are made for; https://test.salesforce.com for a sandbox.",
    )
    username: str = Field(
        "{upn}",
        pattern=r"^(federation|[^{}]*(\{(upn|local|domain)\}[^{}]*)+)$",
        description="A caller's Salesforce username, made of {upn}, {local} and {domain}; or "
        "`federation`: the user whose Federation ID is the caller's Entra object id.",
    )
    integration_user: str = Field(
        "", description="Username as which the app asks for itself (health, federation)."
    )
    max_file_mb: int = Field(100, ge=1, le=2048, description="The largest file to store, in MiB.")
    blocked_extensions: str = Field(
        "", description="File types that the organisation refuses, separated by commas."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("give either private_key or private_key_file")
        if self.username == "federation" and not self.integration_user:
            raise ValueError("username `federation` needs an integration_user")
        return self

    @property
    def root(self) -> str:
        """The address without a trailing slash."""
        return str(self.url).rstrip("/")

    @property
    def audience(self) -> str:
        return str(self.login_url).rstrip("/")

    @property
    def key(self) -> str:
        """The private key's PEM text. Raises OSError where its file can't be read."""
        if self.private_key is not None:
            # one line of an application setting holds the key's line ends as \n
            return self.private_key.get_secret_value().replace("\\n", "\n")
        assert self.private_key_file is not None
        return self.private_key_file.read_text("ascii")

    @property
    def extensions(self) -> frozenset[str]:
        parts = (part.strip().lstrip(".").casefold() for part in self.blocked_extensions.split(","))
        return frozenset(filter(None, parts))
