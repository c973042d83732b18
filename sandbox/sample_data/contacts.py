"""The people at the customers. Addresses are `first.last@<label>.example`."""

from sandbox.company import Contact
from sandbox.sample_data.accounts import OWNERS, account_id
from sandbox.sample_data.ids import sample_id

# account: (first name, last name, local part of the address, job title), three people each
_CONTACTS: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    "harbourline": (
        ("Margaret", "Ellison", "margaret.ellison", "Operations Director"),
        ("Tom", "Braithwaite", "tom.braithwaite", "IT Manager"),
        ("Priya", "Raman", "priya.raman", "Procurement Lead"),
    ),
    "harbourline-ireland": (
        ("Siobhán", "O'Brien", "siobhan.o'brien", "Depot Manager"),
        ("Declan", "Quinn", "declan.quinn", "Fleet Coordinator"),
        ("Aoife", "Gallagher", "aoife.gallagher", "Finance Manager"),
    ),
    "fenwick-cold": (
        ("Robert", "Fenwick", "robert.fenwick", "Managing Director"),
        ("Joanna", "Pell", "joanna.pell", "Quality Manager"),
        ("Samuel", "Adeyemi", "samuel.adeyemi", "Maintenance Supervisor"),
    ),
    "oakhurst": (
        ("Linda", "Castellano", "linda.castellano", "VP Supply Chain"),
        ("Marcus", "Bell", "marcus.bell", "Warehouse Manager"),
        ("Wei", "Zhang", "wei.zhang", "Systems Analyst"),
    ),
    "oakhurst-dental": (
        ("Karen", "Lindqvist", "karen.lindqvist", "General Manager"),
        ("Joshua", "Reyes", "joshua.reyes", "Inventory Specialist"),
        ("Dana", "Hoffman", "dana.hoffman", "Accounts Payable"),
    ),
    "meridian-freight": (
        ("Alistair", "McRae", "alistair.mcrae", "Head of Transport"),
        ("Fiona", "Drummond", "fiona.drummond", "Commercial Manager"),
        ("Gareth", "Pugh", "gareth.pugh", "Yard Manager"),
    ),
    "meridianfreight": (
        ("Rachel", "Tucker", "rachel.tucker", "Owner"),
        ("Luis", "Ortega", "luis.ortega", "Dispatch Lead"),
        ("Brandon", "Cole", "brandon.cole", "Safety Officer"),
    ),
    "brightwater": (
        ("Helen", "Ashworth", "helen.ashworth", "Supply Chain Director"),
        ("Neil", "Thackeray", "neil.thackeray", "Head Brewer"),
        ("Olivia", "Kerr", "olivia.kerr", "Buyer"),
    ),
    "castleford": (
        ("David", "Hargreaves", "david.hargreaves", "Procurement Officer"),
        ("Sunita", "Patel", "sunita.patel", "Head of Digital Services"),
        ("Wendy", "Fairclough", "wendy.fairclough", "Stores Manager"),
    ),
    "pinecrest": (
        ("Carol", "Whitman", "carol.whitman", "Chief Operating Officer"),
        ("Trevor", "Nakamura", "trevor.nakamura", "Plant Manager"),
        ("Emily", "Sorensen", "emily.sorensen", "Logistics Coordinator"),
    ),
    "silverline-pharma": (
        ("Catherine", "Lowe", "catherine.lowe", "Director of Distribution"),
        ("Imran", "Siddiqui", "imran.siddiqui", "Validation Engineer"),
        ("Peter", "Vance", "peter.vance", "Category Manager"),
    ),
    "tallgrass": (
        ("Jessica", "Hartmann", "jessica.hartmann", "Director of Logistics"),
        ("Dwayne", "Foster", "dwayne.foster", "Cold Chain Manager"),
        ("Amy", "Nguyen", "amy.nguyen", "Purchasing Agent"),
    ),
    "kestrel-air": (
        ("Simon", "Carrow", "simon.carrow", "Cargo Operations Manager"),
        ("Ngozi", "Eze", "ngozi.eze", "Customs Lead"),
        ("Patrick", "Lyle", "patrick.lyle", "IT Director"),
    ),
    "blackthorn": (
        ("Eleanor", "Marsh", "eleanor.marsh", "Distribution Manager"),
        ("Hugh", "Pemberton", "hugh.pemberton", "Finance Director"),
        ("Zoe", "Campbell", "zoe.campbell", "Returns Supervisor"),
    ),
    "hurtownia-bart": (
        ("Bartosz", "Zieliński", "bartosz.zielinski", "Prezes zarządu"),
        ("Magdalena", "Wrona", "magdalena.wrona", "Kierownik magazynu"),
        ("Piotr", "Sikora", "piotr.sikora", "Specjalista ds. zakupów"),
    ),
    "mleczarnia-wschod": (
        ("Elżbieta", "Dąbrowska", "elzbieta.dabrowska", "Dyrektor logistyki"),
        ("Krzysztof", "Pawlak", "krzysztof.pawlak", "Kierownik utrzymania ruchu"),
        ("Agnieszka", "Łukasik", "agnieszka.lukasik", "Kontrola jakości"),
    ),
    "trans-wisla": (
        ("Marek", "Jabłoński", "marek.jablonski", "Dyrektor operacyjny"),
        ("Joanna", "Górska", "joanna.gorska", "Spedytor"),
        ("Tomasz", "Król", "tomasz.krol", "Kierownik floty"),
    ),
    "trans-wisla-gdansk": (
        ("Małgorzata", "Szulc", "malgorzata.szulc", "Kierownik oddziału"),
        ("Rafał", "Lis", "rafal.lis", "Dyspozytor"),
        ("Ewa", "Bączek", "ewa.baczek", "Księgowa"),
    ),
    "apteki-zdrowie": (
        ("Dorota", "Majewska", "dorota.majewska", "Dyrektor ds. dystrybucji"),
        ("Łukasz", "Baran", "lukasz.baran", "Administrator systemów"),
        ("Natalia", "Wilk", "natalia.wilk", "Farmaceuta koordynator"),
    ),
    "meble-olsza": (
        ("Zbigniew", "Olszewski", "zbigniew.olszewski", "Właściciel"),
        ("Iwona", "Ptak", "iwona.ptak", "Planowanie produkcji"),
        ("Grzegorz", "Duda", "grzegorz.duda", "Kierownik magazynu"),
    ),
    "stalmet": (
        ("Stanisław", "Kubiak", "stanislaw.kubiak", "Dyrektor zakupów"),
        ("Monika", "Żak", "monika.zak", "Specjalista ds. logistyki"),
        ("Adam", "Czarnecki", "adam.czarnecki", "Automatyk"),
    ),
    "brandt-werkzeug": (
        ("Jürgen", "Brandt", "juergen.brandt", "Geschäftsführer"),
        ("Sabine", "Köhler", "sabine.koehler", "Leiterin Einkauf"),
        ("Thomas", "Weiß", "thomas.weiss", "Lagerleiter"),
    ),
    "brandt-austria": (
        ("Elisabeth", "Gruber", "elisabeth.gruber", "Niederlassungsleiterin"),
        ("Florian", "Pichler", "florian.pichler", "Disponent"),
        ("Maria", "Steiner", "maria.steiner", "Buchhaltung"),
    ),
    "kuehlhaus-nord": (
        ("Hinrich", "Petersen", "hinrich.petersen", "Vorstand"),
        ("Anke", "Lorenzen", "anke.lorenzen", "Leiterin Qualität"),
        ("Sven", "Jessen", "sven.jessen", "Technischer Leiter"),
    ),
    "moebius-verlag": (
        ("Friederike", "Möbius", "friederike.moebius", "Verlegerin"),
        ("Lars", "Hentschel", "lars.hentschel", "Leiter Auslieferung"),
        ("Ulrike", "Baumann", "ulrike.baumann", "Kundenservice"),
    ),
    "rheintal-pharma": (
        ("Matthias", "Frei", "matthias.frei", "Leiter Supply Chain"),
        ("Claudia", "Zürcher", "claudia.zuercher", "Fachtechnisch verantwortliche Person"),
        ("Reto", "Ammann", "reto.ammann", "Projektleiter IT"),
    ),
    "bauzentrum-vogel": (
        ("Karl-Heinz", "Vogel", "karl-heinz.vogel", "Inhaber"),
        ("Nicole", "Schreiber", "nicole.schreiber", "Disposition"),
        ("Mehmet", "Yıldız", "mehmet.yildiz", "Lagerleiter"),
    ),
    "laiterie-du-val": (
        ("Hélène", "Fournier", "helene.fournier", "Directrice logistique"),
        ("Étienne", "Garnier", "etienne.garnier", "Responsable maintenance"),
        ("Camille", "Rousseau", "camille.rousseau", "Acheteuse"),
    ),
    "transports-marchand": (
        ("Philippe", "Marchand", "philippe.marchand", "Président"),
        ("Nathalie", "Lemoine", "nathalie.lemoine", "Responsable d'exploitation"),
        ("Yacine", "Benali", "yacine.benali", "Chef de quai"),
    ),
    "marchand-suisse": (
        ("François", "Rochat", "francois.rochat", "Directeur"),
        ("Léa", "Favre", "lea.favre", "Assistante de direction"),
        ("Olivier", "Jaccard", "olivier.jaccard", "Déclarant en douane"),
    ),
    "aubepine-sante": (
        ("Sophie", "Delacroix", "sophie.delacroix", "Directrice des achats"),
        ("Antoine", "Mercier", "antoine.mercier", "Pharmacien responsable"),
        ("Fatou", "Diallo", "fatou.diallo", "Cheffe de projet"),
    ),
    "rochebrune": (
        ("Guillaume", "de Rochebrune", "guillaume.derochebrune", "Propriétaire"),
        ("Mathilde", "Perrin", "mathilde.perrin", "Responsable des expéditions"),
        ("Benoît", "Charrier", "benoit.charrier", "Maître de chai"),
    ),
    "frutas-alcazar": (
        ("Carmen", "Alcázar", "carmen.alcazar", "Directora general"),
        ("Javier", "Muñoz", "javier.munoz", "Jefe de almacén"),
        ("Lucía", "Peña", "lucia.pena", "Responsable de calidad"),
    ),
    "logistica-duero": (
        ("Alberto", "Iglesias", "alberto.iglesias", "Director de operaciones"),
        ("Beatriz", "Cano", "beatriz.cano", "Jefa de tráfico"),
        ("Rubén", "Santamaría", "ruben.santamaria", "Responsable de sistemas"),
    ),
    "duero-mexico": (
        ("Guadalupe", "Hernández", "guadalupe.hernandez", "Gerente de país"),
        ("Ricardo", "Villaseñor", "ricardo.villasenor", "Jefe de patio"),
        ("Ximena", "Robles", "ximena.robles", "Compras"),
    ),
    "ceramicas-levante": (
        ("Vicente", "Ferrer", "vicente.ferrer", "Gerente"),
        ("Amparo", "Soler", "amparo.soler", "Expediciones"),
        ("Andrés", "Belda", "andres.belda", "Mantenimiento"),
    ),
    "aozora-butsuryu": (
        ("健太", "佐藤", "kenta.sato", "物流部長"),
        ("美咲", "鈴木", "misaki.suzuki", "情報システム課"),
        ("大輔", "高橋", "daisuke.takahashi", "倉庫長"),
    ),
    "aozora-osaka": (
        ("直樹", "山本", "naoki.yamamoto", "支店長"),
        ("由美子", "中村", "yumiko.nakamura", "配車担当"),
        ("翔", "小林", "sho.kobayashi", "現場主任"),
    ),
    "minato-seiyaku": (
        ("和子", "加藤", "kazuko.kato", "購買部長"),
        ("誠", "吉田", "makoto.yoshida", "品質保証課長"),
        ("彩", "山田", "aya.yamada", "購買担当"),
    ),
    "hoshino-shokuhin": (
        ("隆", "星野", "takashi.hoshino", "代表取締役"),
        ("さくら", "井上", "sakura.inoue", "生産管理"),
        ("拓也", "木村", "takuya.kimura", "冷凍倉庫主任"),
    ),
}

_SECOND_ADDRESSES = {
    "robert.fenwick@fenwick-cold.example": "rob@fenwick-family.example",
    "sabine.koehler@brandt-werkzeug.example": "s.koehler@brandt-gruppe.example",
    "helene.fournier@laiterie-du-val.example": "h.fournier@laiterieduval.example",
    "marek.jablonski@trans-wisla.example": "marek@jablonski-consulting.example",
    "kenta.sato@aozora-butsuryu.example": "sato@aozora-holdings.example",
}

DUPLICATED = "priya.raman@harbourline.example"
"""This contact was entered twice: by sales, and again from a business card."""


def contact_id(address: str) -> str:
    return sample_id("contact", address)


def _contact(label: str, first: str, last: str, local: str, job_title: str) -> Contact:
    address = f"{local}@{label}.example"
    return Contact(
        id=contact_id(address),
        first_name=first,
        last_name=last,
        email=address,
        account=account_id(label),
        owner=OWNERS[label],
        job_title=job_title,
        email2=_SECOND_ADDRESSES.get(address, ""),
    )


_DUPLICATE = Contact(
    id=sample_id("contact", f"{DUPLICATED} again"),
    first_name="P.",
    last_name="Raman",
    email=DUPLICATED,
    account=account_id("harbourline"),
    owner=OWNERS["harbourline-ireland"],
    job_title="Procurement",
)

CONTACTS = (
    *(_contact(label, *row) for label, rows in _CONTACTS.items() for row in rows),
    _DUPLICATE,
)
