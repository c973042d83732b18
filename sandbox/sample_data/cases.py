"""What the customers have complained about or asked for."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox.company import DOMAIN, Case
from sandbox.sample_data.accounts import LANGUAGES, OWNERS, account_id
from sandbox.sample_data.contacts import contact_id
from sandbox.sample_data.ids import sample_id

State = Literal["open", "resolved"]

# account, local part of the contact's address or None, state, title, description
_CASES: tuple[tuple[str, str | None, State, str, str], ...] = (
    ("harbourline", "tom.braithwaite", "open", "Scanners lose Wi-Fi in aisle 14",
     "Since the last firmware, handhelds drop off the network between the high racks."),
    ("harbourline", "margaret.ellison", "resolved", "Wrong delivery: 40 cradles instead of 400",
     "The remaining cradles were sent by courier."),
    ("harbourline-ireland", "aoife.gallagher", "open", "Invoice 20251187 charged twice",
     "Two direct debits on the same day; asks for a credit note."),
    ("fenwick-cold", "samuel.adeyemi", "open", "Probe 7 shows minus 40 at all times",
     "Probably a broken cable; the alarm had to be muted."),
    ("oakhurst", "wei.zhang", "open", "API returns 500 on lot lookups",
     "Happens for lots with a slash in their number."),
    ("meridian-freight", "gareth.pugh", "resolved", "Gate barrier does not open for hired trucks",
     "Hired vehicles were missing from the allow list."),
    ("meridianfreight", "luis.ortega", "open", "Driver app logs people out every hour",
     "On older phones only, after the update of last week."),
    ("brightwater", "neil.thackeray", "open", "RFID reader at the filling line misses kegs",
     "About two in a hundred are not read when the line runs at full speed."),
    ("castleford", None, "resolved", "Training request for new storekeepers",
     "Half a day on site for four people."),
    ("silverline-pharma", "imran.siddiqui", "open", "Audit trail export is incomplete",
     "Entries of the first of each month are missing in the PDF."),
    ("tallgrass", "dwayne.foster", "open", "Recorder battery lasts two days only",
     "Units from the batch delivered in March."),
    ("kestrel-air", "ngozi.eze", "open", "Customs message rejected: code 34",
     "Every consignment to Norway is refused since Monday."),
    ("blackthorn", "zoe.campbell", "resolved", "Scanner beep cannot be turned off",
     "Solved by a configuration sheet."),
    ("hurtownia-bart", "magdalena.wrona", "open", "Skaner nie czyta kodów z folii",
     "Problem z odblaskiem na paletach owiniętych folią stretch."),
    ("mleczarnia-wschod", "krzysztof.pawlak", "open", "Fałszywe alarmy w komorze numer 3",
     "Alarm włącza się przy każdym rozmrażaniu."),
    ("trans-wisla", "joanna.gorska", "resolved", "Brak pozycji pojazdów w Czechach",
     "Roaming danych był wyłączony na nowych kartach."),
    ("apteki-zdrowie", "lukasz.baran", "open", "Aktualizacja systemu stanęła na 80 procentach",
     "Serwer testowy, kopia zapasowa istnieje."),
    ("brandt-werkzeug", "thomas.weiss", "open", "Terminal am Stapler 5 startet nicht mehr",
     "Nach einem Stoß bleibt der Bildschirm schwarz. Austauschgerät gewünscht."),
    ("kuehlhaus-nord", "anke.lorenzen", "open", "HACCP-Bericht zeigt falsche Zeitzone",
     "Seit der Zeitumstellung eine Stunde Versatz."),
    ("rheintal-pharma", "claudia.zuercher", "resolved", "Zertifikat für Kalibrierung fehlt",
     "Dokument wurde nachgereicht."),
    ("bauzentrum-vogel", "mehmet.yildiz", "open", "Drucker zieht Etiketten schief ein",
     "Nur bei den neuen Rollen, alte Rollen laufen."),
    ("laiterie-du-val", "etienne.garnier", "open", "Convoyeur 2 arrêté après mise à jour",
     "Le variateur signale une surchauffe alors que le moteur est froid."),
    ("transports-marchand", "yacine.benali", "open", "Borne d'accueil bloquée au démarrage",
     "L'écran reste sur le logo depuis la coupure de courant."),
    ("aubepine-sante", "antoine.mercier", "resolved", "Badge refusé sur l'armoire 11",
     "Le badge avait été démagnétisé."),
    ("frutas-alcazar", "lucia.pena", "open", "Sensor de etileno sin calibrar",
     "La cámara 5 da valores muy altos desde el martes."),
    ("logistica-duero", "beatriz.cano", "open", "Los terminales no imprimen albaranes",
     "Ocurre solo con las impresoras de la segunda planta."),
    ("aozora-butsuryu", "daisuke.takahashi", "open", "端末のバッテリーが半日で切れる",
     "3月納品分の約20台で発生している。"),
    ("hoshino-shokuhin", "takuya.kimura", "open", "冷凍庫内で画面が反応しない",
     "手袋使用時にタッチパネルが反応しないことがある。"),
)  # fmt: skip

_FIRST = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
_STEP = timedelta(days=6, hours=5)
_FIRST_NUMBER = 1041


def _case(
    index: int, label: str, contact: str | None, state: State, title: str, description: str
) -> Case:
    created = _FIRST + _STEP * index
    number = f"CAS-{_FIRST_NUMBER + index:05d}"
    english = LANGUAGES[label] == "en"
    return Case(
        id=sample_id("case", number),
        title=title,
        description=description,
        number=number,
        account=account_id(label),
        contact=contact_id(f"{contact}@{label}.example") if contact else None,
        owner=f"liam.murphy@{DOMAIN}" if english else OWNERS[label],
        state=state,
        created=f"{created:%Y-%m-%dT%H:%M:%SZ}",
        modified=f"{created + timedelta(days=1 + index % 4):%Y-%m-%dT%H:%M:%SZ}",
    )


CASES = tuple(_case(i, *row) for i, row in enumerate(_CASES))
