"""The application settings that make the app talk to one sandbox instead of the cloud."""

from collections.abc import Mapping
from pathlib import Path

from sandbox.salesforce import CONSUMER_KEY, FILE_NAME, INTEGRATION_ADDRESS
from sandbox.world import CLIENT_ID, CLIENT_SECRET, TENANT


def app_settings(
    *, crm: str, sandbox_url: str, ca: Path, storage: str, api_url: str = ""
) -> Mapping[str, str]:
    """`sandbox_url` has no trailing slash; `storage` is a connection string. `api_url` is the app's
    own address with `/api`: without it, nothing is followed. The key of the Salesforce app lies
    beside `ca`.

    The sandbox's CA is the only one that the app then trusts: nothing else is reached by mistake.
    """
    return {
        "AzureWebJobsStorage": storage,
        # nobody at this machine wants to wait for minutes until a save is tried again
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:05",
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "THREADLINE_CRM": crm,
        "THREADLINE_TENANTS": TENANT,
        "THREADLINE_CLIENT_ID": CLIENT_ID,
        "THREADLINE_CLIENT_SECRET": CLIENT_SECRET,
        "THREADLINE_BACKGROUND": "true" if storage else "",
        "THREADLINE_LEDGER": storage,
        "THREADLINE_CALLBACK_URL": api_url if storage else "",
        "THREADLINE_AUTHORITY": f"{sandbox_url}/entra",
        "THREADLINE_MAILBOX_URL": f"{sandbox_url}/graph/v1.0",
        "THREADLINE_DATAVERSE_URL": f"{sandbox_url}/dataverse",
        "THREADLINE_SALESFORCE_URL": sandbox_url,
        "THREADLINE_SALESFORCE_LOGIN_URL": sandbox_url,
        "THREADLINE_SALESFORCE_CONSUMER_KEY": CONSUMER_KEY,
        "THREADLINE_SALESFORCE_PRIVATE_KEY_FILE": str(ca.with_name(FILE_NAME)),
        "THREADLINE_SALESFORCE_INTEGRATION_USER": INTEGRATION_ADDRESS,
        "SSL_CERT_FILE": str(ca),
        "REQUESTS_CA_BUNDLE": str(ca),
    }
