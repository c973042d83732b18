"""azure.yaml names what there is, and leaves nothing for Azure to build."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
AZD = yaml.safe_load((ROOT / "azure.yaml").read_text("utf-8"))


def test_what_is_deployed_is_what_was_packaged() -> None:
    (service,) = AZD["services"].values()
    assert service["project"] == "dist/package"
    assert service["remoteBuild"] is False
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    command, target = AZD["hooks"]["prepackage"]["run"].split()[:2]
    assert command == "make"
    assert target in targets


def test_each_service_is_tagged_in_the_infrastructure() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / "infra/app").glob("*.bicep"))
    assert set(re.findall(r"'azd-service-name': '(\w+)'", text)) == set(AZD["services"])


def test_the_hooks_run_what_there_is_and_know_what_they_read() -> None:
    """What infra/registration.py reads comes from azd itself or from main.bicep."""
    for when in ("preprovision", "postprovision"):
        python, script, step = AZD["hooks"][when]["run"].split()
        assert (python, step) == ("python3", {"pre": "register", "post": "trust"}[when[:-9]])
        code = (ROOT / script).read_text("utf-8")
    read = set(re.findall(r"_setting\(['\"](\w+)", code))
    main = (ROOT / "infra/main.bicep").read_text("utf-8")
    given = set(re.findall(r"^output (\w+)", main, re.MULTILINE))
    assert read <= given | {"AZURE_ENV_NAME", "THREADLINE_CRM", "THREADLINE_CLIENT_ID"}
