"""Where the Dataverse organisation is."""

from pydantic import BaseModel, ConfigDict, Field, HttpUrl


class DataverseSettings(BaseModel):
    """Application settings `THREADLINE_DATAVERSE_<NAME>`."""

    model_config = ConfigDict(frozen=True)

    url: HttpUrl = Field(
        description="The environment's address, such as https://contoso.crm.dynamics.com."
    )

    @property
    def root(self) -> str:
        """The address without a trailing slash."""
        return str(self.url).rstrip("/")

    @property
    def scope(self) -> str:
        """What a token must be for (Microsoft Learn: "Use OAuth authentication with Dataverse")."""
        return f"{self.root}/.default"
