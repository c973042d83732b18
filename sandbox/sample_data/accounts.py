"""The sample company's customers, by the first label of their mail domain."""

from sandbox.company import DOMAIN, Account
from sandbox.sample_data.ids import sample_id

# domain label, name, language, local part of the general address, owner, parent's label
_ACCOUNTS = (
    ("harbourline", "Harbourline Logistics Ltd", "en", "info", "henry.whitfield", None),
    ("harbourline-ireland", "Harbourline Ireland Ltd", "en", "office", "liam.murphy",
     "harbourline"),
    ("fenwick-cold", "Fenwick Cold Storage Ltd", "en", "enquiries", "henry.whitfield", None),
    ("oakhurst", "Oakhurst Medical Supplies Inc.", "en", "info", "ines.carvalho", None),
    ("oakhurst-dental", "Oakhurst Dental Inc.", "en", "hello", "ines.carvalho", "oakhurst"),
    ("meridian-freight", "Meridian Freight Ltd", "en", "ops", "henry.whitfield", None),
    ("meridianfreight", "Meridian Freight Services LLC", "en", "contact", "diego.fernandez", None),
    ("brightwater", "Brightwater Breweries plc", "en", "info", "henry.whitfield", None),
    ("castleford", "Castleford Borough Council", "en", "procurement", "liam.murphy", None),
    ("pinecrest", "Pinecrest Furniture Co.", "en", "sales", "diego.fernandez", None),
    ("silverline-pharma", "Silverline Pharma Ltd", "en", "info", "henry.whitfield", None),
    ("tallgrass", "Tallgrass Foods Inc.", "en", "orders", "ines.carvalho", None),
    ("kestrel-air", "Kestrel Air Cargo Ltd", "en", "ground.ops", "liam.murphy", None),
    ("blackthorn", "Blackthorn Books Ltd", "en", "warehouse", "liam.murphy", None),
    ("hurtownia-bart", "Hurtownia Bart Sp. z o.o.", "pl", "biuro", "anna.kowalska", None),
    ("mleczarnia-wschod", "Mleczarnia Wschód S.A.", "pl", "sekretariat", "anna.kowalska", None),
    ("trans-wisla", "Trans-Wisła Sp. z o.o.", "pl", "spedycja", "anna.kowalska", None),
    ("trans-wisla-gdansk", "Trans-Wisła Gdańsk Sp. z o.o.", "pl", "gdansk", "jakub.nowak",
     "trans-wisla"),
    ("apteki-zdrowie", "Apteki Zdrowie S.A.", "pl", "kontakt", "anna.kowalska", None),
    ("meble-olsza", "Meble Olsza Sp. j.", "pl", "biuro", "jakub.nowak", None),
    ("stalmet", "Stalmet Kielce S.A.", "pl", "zakupy", "anna.kowalska", None),
    ("brandt-werkzeug", "Brandt Werkzeugbau GmbH", "de", "info", "bernd.schaefer", None),
    ("brandt-austria", "Brandt Austria GmbH", "de", "office", "bernd.schaefer", "brandt-werkzeug"),
    ("kuehlhaus-nord", "Kühlhaus Nord AG", "de", "dispo", "bernd.schaefer", None),
    ("moebius-verlag", "Möbius Verlag GmbH & Co. KG", "de", "vertrieb", "bernd.schaefer", None),
    ("rheintal-pharma", "Rheintal Pharma AG", "de", "einkauf", "bernd.schaefer", None),
    ("bauzentrum-vogel", "Bauzentrum Vogel OHG", "de", "info", "bernd.schaefer", None),
    ("laiterie-du-val", "Laiterie du Val SAS", "fr", "contact", "claire.dubois", None),
    ("transports-marchand", "Transports Marchand SA", "fr", "exploitation", "claire.dubois", None),
    ("marchand-suisse", "Marchand Suisse Sàrl", "fr", "bureau", "claire.dubois",
     "transports-marchand"),
    ("aubepine-sante", "Groupe Aubépine Santé", "fr", "achats", "claire.dubois", None),
    ("rochebrune", "Vignobles de Rochebrune", "fr", "chai", "claire.dubois", None),
    ("frutas-alcazar", "Frutas Alcázar S.L.", "es", "info", "diego.fernandez", None),
    ("logistica-duero", "Logística Duero S.A.", "es", "trafico", "diego.fernandez", None),
    ("duero-mexico", "Logística Duero México S.A. de C.V.", "es", "ventas", "diego.fernandez",
     "logistica-duero"),
    ("ceramicas-levante", "Cerámicas Levante S.L.", "es", "pedidos", "diego.fernandez", None),
    ("aozora-butsuryu", "青空物流株式会社", "ja", "info", "emi.tanaka", None),
    ("aozora-osaka", "青空物流大阪株式会社", "ja", "osaka", "emi.tanaka", "aozora-butsuryu"),
    ("minato-seiyaku", "港製薬株式会社", "ja", "koubai", "emi.tanaka", None),
    ("hoshino-shokuhin", "星野食品株式会社", "ja", "info", "emi.tanaka", None),
)  # fmt: skip


def account_id(label: str) -> str:
    return sample_id("account", label)


def _account(
    label: str, name: str, language: str, general: str, owner: str, parent: str | None
) -> Account:
    return Account(
        id=account_id(label),
        name=name,
        website=f"https://www.{label}.example",
        email=f"{general}@{label}.example",
        parent=account_id(parent) if parent else None,
        owner=f"{owner}@{DOMAIN}",
        language=language,
    )


ACCOUNTS = tuple(_account(*row) for row in _ACCOUNTS)
OWNERS = {row[0]: f"{row[4]}@{DOMAIN}" for row in _ACCOUNTS}
LANGUAGES = {row[0]: row[2] for row in _ACCOUNTS}
