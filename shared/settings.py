"""The only reader of the environment.

Every setting is an application setting named `THREADLINE_<NAME>`; `AzureWebJobsStorage` belongs
to the Functions host and is read by it alone. pydantic-settings would do the same, for some 20 ms
of every cold start.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    UrlConstraints,
    model_validator,
)

PREFIX = "THREADLINE_"

_Model = TypeVar("_Model", bound=BaseModel)

HttpsUrl = Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])]


def from_environment(model: type[_Model], prefix: str) -> _Model:
    """The settings of that model, each read from `<prefix><NAME>`; an empty one counts as missing.

    Raises pydantic's ValidationError naming the fields.
    """
    given = {name: os.environ.get(f"{prefix}{name.upper()}") for name in model.model_fields}
    return model.model_validate({name: value for name, value in given.items() if value})


class Settings(BaseModel):
    """What this deployment is. Vendor settings live beside their adapter."""

    model_config = ConfigDict(frozen=True)

    crm: Literal["dataverse", "salesforce"] = Field("dataverse", description="Which CRM.")
    tenants: str = Field(
        pattern=r"[^,\s]", description="Entra tenant ids that may call, separated by commas."
    )
    client_id: str = Field(description="Application (client) id of this app in Entra ID.")
    audience: str = Field("", description="Accepted token audience; default `api://<client id>`.")
    client_secret: SecretStr | None = Field(
        None, description="For one machine only; in Azure the managed identity stands in for it."
    )
    identity_client_id: str = Field(
        "", description="Client id of the user-assigned managed identity that signs for this app."
    )
    authority: HttpUrl = Field(
        HttpUrl("https://login.microsoftonline.com"), description="Entra ID authority host."
    )
    mailbox_url: HttpUrl = Field(
        HttpUrl("https://graph.microsoft.com/v1.0"), description="Microsoft Graph root."
    )
    policy_file: Path | None = Field(None, description="The admin's policy document as a file.")
    policy_url: HttpUrl | None = Field(
        None,
        description="The admin's policy document as a blob, read with the managed identity; it "
        "goes before a file.",
    )
    background: bool = Field(
        False,
        description="The app works on without the person, as for saves that the CRM can't take "
        "now: needs `ledger`, Exchange's application roles for reading the mailboxes, and in the "
        "CRM the right to act for users.",
    )
    callback_url: HttpUrl | None = Field(
        None,
        description="Where Microsoft Graph reaches this app, such as "
        "https://contoso.azurewebsites.net/api; with it and `background`, replies and changes are "
        "followed.",
    )
    ledger: str = Field(
        "",
        description="Where receipts, and what is followed, are kept: the address of a storage "
        "account's tables, opened with the managed identity, or a connection string (one machine).",
    )
    embeddings_url: HttpsUrl | None = Field(
        None,
        description="Your own Azure OpenAI resource, asked with the managed identity to compare by "
        "meaning: it gets the subject and new text of items, and names and descriptions of "
        "records. Without it, nothing leaves for any model.",
    )
    embeddings_deployment: str = Field(
        "", description="The embedding model's deployment there; goes with `embeddings_url`."
    )
    patience: float = Field(
        20.0, description="Seconds that one interactive request may spend waiting for services."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.background and not self.ledger:
            raise ValueError("background needs a ledger")
        if self.callback_url and not self.background:
            raise ValueError("callback_url needs background")
        if bool(self.embeddings_url) != bool(self.embeddings_deployment):
            raise ValueError("embeddings_url and embeddings_deployment need each other")
        return self

    @property
    def tenant_list(self) -> tuple[str, ...]:
        return tuple(t.strip() for t in self.tenants.split(",") if t.strip())

    @property
    def audiences(self) -> tuple[str, ...]:
        """v1 tokens carry the App ID URI, v2 tokens the client id."""
        return (self.audience or f"api://{self.client_id}", self.client_id)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read once per worker, on first use. Raises pydantic's ValidationError naming the setting."""
    return from_environment(Settings, PREFIX)
