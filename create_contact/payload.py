"""The wire shapes of adding a contact."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from shared.domain import Notice, RecordRef
from shared.wire import (
    Answered,
    Asked,
    Example,
    ItemKey,
    LinkShape,
    NoticeShape,
    Operation,
    RecordId,
)

if TYPE_CHECKING:
    from create_contact.logic import Proposal
    from shared.contacts import KnownContact, NewContact

_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_ADDRESS_PART = r'[^\s@<>"(),:;\[\]\\\x00-\x1f\x7f]'

Address = Annotated[
    str,
    StringConstraints(max_length=254, pattern=rf"^{_ADDRESS_PART}+@{_ADDRESS_PART}+$"),
    Field(description="Of somebody who takes part in the item, from outside the company."),
]
Text = Annotated[str, StringConstraints(max_length=200, pattern=_PLAIN)]
LastName = Annotated[
    str,
    StringConstraints(
        max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
    ),
]
Phone = Annotated[str, StringConstraints(max_length=40, pattern=_PLAIN)]


class CompanyKey(Asked):
    """The account that the person works for."""

    type: Literal["account"]
    id: RecordId


class ProposalRequest(Asked):
    """Whom to add."""

    item: ItemKey
    address: Address


class ContactRequest(ProposalRequest):
    """What is left out is as proposed; null and empty texts leave a field empty."""

    first_name: Text | None = None
    last_name: LastName | None = Field(None, description="Never empty; null is as proposed.")
    job_title: Text | None = None
    phone: Phone | None = None
    company: CompanyKey | None = None

    def edit(self, proposed: "NewContact") -> "NewContact":
        """What is proposed, with what the request says of it."""
        given = self.model_fields_set
        company = RecordRef(self.company.type, self.company.id) if self.company else None
        return replace(
            proposed,
            first_name=(self.first_name or "") if "first_name" in given else proposed.first_name,
            last_name=self.last_name or proposed.last_name,
            job_title=(self.job_title or "") if "job_title" in given else proposed.job_title,
            phone=(self.phone or "") if "phone" in given else proposed.phone,
            account=company if "company" in given else proposed.account,
        )


class ContactCardShape(Answered):
    """A contact as the CRM has it."""

    type: Literal["contact"] = "contact"
    id: str
    name: str
    email: str
    url: str
    first_name: str
    last_name: str
    job_title: str
    phone: str
    company: LinkShape | None
    notices: tuple[NoticeShape, ...]

    @classmethod
    def of(cls, one: "KnownContact", notices: Sequence[Notice] = ()) -> Self:
        return cls(
            id=one.ref.id,
            name=one.ref.name,
            email=one.ref.email,
            url=one.ref.url,
            first_name=one.first_name,
            last_name=one.last_name,
            job_title=one.job_title,
            phone=one.phone,
            company=None if one.account is None else LinkShape.of(one.account),
            notices=tuple(map(NoticeShape.of, notices)),
        )


class ProposalShape(Answered):
    """What a request without any of these fields would make."""

    address: str
    first_name: str
    last_name: str
    job_title: str = Field(description="From the signature, where it can be told; else empty.")
    phone: str = Field(description="From the signature, where it can be told; else empty.")
    company: LinkShape | None = Field(
        description="The account of the address' domain; null where there is none, or several are "
        "as likely."
    )
    companies: tuple[LinkShape, ...] = Field(description="All of that domain, the likeliest first.")
    existing: ContactCardShape | None = Field(
        description="The contact that has this address already: none would be made."
    )

    @classmethod
    def of(cls, one: "Proposal") -> Self:
        contact = one.contact
        return cls(
            address=contact.address,
            first_name=contact.first_name,
            last_name=contact.last_name,
            job_title=contact.job_title,
            phone=contact.phone,
            company=None if contact.account is None else LinkShape.of(contact.account),
            companies=tuple(map(LinkShape.of, one.companies)),
            existing=None if one.existing is None else ContactCardShape.of(one.existing),
        )


_EXAMPLE_REQUEST: dict[str, Any] = {
    "item": {"kind": "email", "mailbox": "me", "id": "AAMkAGI2TG93AAA="},
    "address": "jan.nowak@fabrikam.example",
}
_EXAMPLE_COMPANY: dict[str, Any] = {
    "type": "account",
    "id": "0f6a3c1e-53d1-4f60-8f6e-7d1b2c3a4e05",
    "name": "Fabrikam",
    "url": "https://contoso.example/main.aspx?id=0f6a3c1e-53d1-4f60-8f6e-7d1b2c3a4e05",
}
_EXAMPLE_PERSON: dict[str, Any] = {
    "firstName": "Jan",
    "lastName": "Nowak",
    "jobTitle": "Head of Purchasing",
    "phone": "+48 58 555 01 20",
    "company": _EXAMPLE_COMPANY,
}
_PROBLEMS = ("forbidden", "item_not_found", "excluded")

ADD = Operation(
    name="create_contact",
    method="POST",
    route="contacts",
    summary="Add somebody to the CRM as a contact",
    description="Only people from outside the company who take part in the item. What the request "
    "doesn't say comes from the item: the name from the header, job title and phone from the "
    "signature of the person's own message, the account by the mail domain. 200 with the contact "
    "that has this address already, unchanged. The notice `contact_truncated` says that something "
    "was too long for the CRM.",
    body=ContactRequest,
    answers={201: ContactCardShape, 200: ContactCardShape},
    problems=(*_PROBLEMS, "record_not_found", "in_progress"),
    example=Example(
        body={**_EXAMPLE_REQUEST, "jobTitle": "Head of Purchasing"},
        answer={
            "type": "contact",
            "id": "9d3a2a60-2f37-4d0a-8d57-5a5d3d0b7c02",
            "name": "Jan Nowak",
            "email": "jan.nowak@fabrikam.example",
            "url": "https://contoso.example/main.aspx?id=9d3a2a60-2f37-4d0a-8d57-5a5d3d0b7c02",
            **_EXAMPLE_PERSON,
            "notices": [],
        },
    ),
)

PROPOSE = Operation(
    name="propose_contact",
    method="POST",
    route="contacts/propose",
    summary="What adding somebody would make",
    description="Makes nothing. The address comes in the body, since URLs end up in logs.",
    body=ProposalRequest,
    answers={200: ProposalShape},
    problems=_PROBLEMS,
    example=Example(
        body=_EXAMPLE_REQUEST,
        answer={
            "address": "jan.nowak@fabrikam.example",
            **_EXAMPLE_PERSON,
            "companies": [_EXAMPLE_COMPANY],
            "existing": None,
        },
    ),
)
