"""What the save form shows, over a CRM in memory."""

from describe_form.logic import Form, describe
from describe_form.payload import FormShape
from shared.domain import Limits
from shared.policy import CategoryField, Condition, Policy, RecordType, ViewFilter
from tests.fakes.crm import CrmWorld, FakeCrm

CATEGORIES = (
    CategoryField(name="topic", type="choice", required=True),
    CategoryField(name="hot", type="boolean"),
    CategoryField(name="region", type="lookup", lookup_type="account"),
)


async def form(policy: Policy, kind: str = "email", language: str = "en") -> Form:
    world = CrmWorld(
        limits=Limits(1_000, frozenset({"js", "exe"})),
        categories={"email": CATEGORIES, "meeting": ()},
    )
    me = next(e.address for e in world.company.employees if e.crm_user)
    return await describe(
        kind,  # type: ignore[arg-type]
        language=language,
        crm=FakeCrm(world, me),
        policy=policy,
    )


async def test_the_admin_s_choices_come_with_what_the_crm_calls_them() -> None:
    view = ViewFilter(name="Open deals", conditions=(Condition(field="state", value="open"),))
    policy = Policy(
        record_types=(
            RecordType(type="opportunity", key_fields=("account",), filters=(view,)),
            RecordType(type="account"),
        ),
        email_categories=CATEGORIES,
        attachments="none",
        languages=("pl", "en"),
    )
    found = await form(policy, language="pl")
    shown = FormShape.of(found, policy)
    assert (shown.crm, shown.crm_name, shown.enabled) == ("fake", "Fake CRM", True)
    assert [(one.type, one.label, one.filters) for one in shown.record_types] == [
        ("opportunity", "Opportunity", ("Open deals",)),
        ("account", "Konto", ()),
    ]
    assert [(f.name, f.label) for f in shown.record_types[0].key_fields] == [("account", "Account")]
    assert [(f.name, f.type, f.required) for f in shown.categories] == [
        ("topic", "choice", True),
        ("hot", "boolean", False),
        ("region", "lookup", False),
    ]
    assert [option.label for option in shown.categories[0].options] == ["Jeden", "Dwa"]
    assert shown.categories[2].lookup_types == ("account",)
    assert shown.attachments.mode == "none"
    assert shown.attachments.max_bytes == 1_000
    assert shown.attachments.blocked_extensions == ("exe", "js")
    assert (shown.banner.enabled, shown.banner.max_per_day) == (True, 2)
    assert shown.languages == ("pl", "en")
    assert shown.notices == ()


async def test_what_does_not_fit_the_crm_is_left_out_and_told() -> None:
    policy = Policy(
        record_types=(
            RecordType(type="account", key_fields=("shoe_size",)),
            RecordType(type="spaceship"),
        ),
        email_categories=(
            CategoryField(name="topic", type="text"),
            CategoryField(name="gone", type="choice"),
            CategoryField(name="hot", type="boolean"),
        ),
    )
    found = await form(policy)
    assert [one.described.type for one in found.types] == ["account"]
    assert [one.name for one in found.categories] == ["hot"]
    told = " ".join(notice.text for notice in found.notices)
    assert all(name in told for name in ("shoe_size", "spaceship", "topic", "gone"))


async def test_each_kind_has_its_own_form() -> None:
    policy = Policy(email_categories=CATEGORIES, save_meetings=False)
    found = await form(policy, kind="meeting")
    assert found.categories == ()
    assert not FormShape.of(found, policy).enabled
