"""The mail that the measurements save: five participants whom the CRM knows, three small files."""

from email.message import EmailMessage
from email.utils import make_msgid
from itertools import count

from sandbox.sample import company

_FILE = bytes(range(256)) * 80
"""20 KiB."""

_numbers = count()

SELLERS = [e for e in company().employees if e.crm_user and e.crm_read == "all" and e.crm_write]
SELLER = SELLERS[0]


def message(files: int = 3) -> bytes:
    """A new message every time, sent to the seller by a contact, three more in copy."""
    contacts = company().contacts[10:14]
    mail = EmailMessage()
    mail["Message-ID"] = make_msgid(domain="bench.example")
    mail["From"] = contacts[0].email
    mail["To"] = SELLER.address
    mail["Cc"] = ", ".join(contact.email for contact in contacts[1:])
    mail["Subject"] = f"Measured message {next(_numbers)}"
    mail["Date"] = "Mon, 05 Jan 2026 09:00:00 +0000"
    mail.set_content("Hello,\nplease find the files attached.\n")
    mail.add_alternative("<p>Hello,</p><p>please find the files attached.</p>" * 40, subtype="html")
    for number in range(files):
        mail.add_attachment(
            _FILE, maintype="application", subtype="pdf", filename=f"offer-{number}.pdf"
        )
    return mail.as_bytes()
