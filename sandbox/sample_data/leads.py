"""People who may become customers."""

from sandbox.company import DOMAIN, Lead
from sandbox.sample_data.ids import sample_id

# first name, last name, company, address, topic, owner
_LEADS = (
    ("Gordon", "Mayhew", "Mayhew Timber", "gordon.mayhew@mayhew-timber.example",
     "Asked about yard scanners at the Birmingham trade fair", "henry.whitfield"),
    ("Chloe", "Barrington", "Wildflower Cosmetics", "chloe.barrington@wildflower.example",
     "Needs batch tracing before a US launch", "ines.carvalho"),
    ("Ahmed", "Farouk", "Nile Spice Traders", "ahmed.farouk@nile-spice.example",
     "Temperature logging for two containers a week", "liam.murphy"),
    ("Tom", "Braithwaite", "Braithwaite Consulting", "tom.braithwaite@harbourline.example",
     "Web form: wants a demo for a private project", "henry.whitfield"),
    ("Ruth", "Abernathy", "Abernathy Archives", "ruth.abernathy@abernathy.example",
     "Shelf location system for 40,000 boxes", "diego.fernandez"),
    ("Victor", "Hale", "Hale & Sons Removals", "victor.hale@hale-removals.example",
     "Van tracking, twelve vehicles", "liam.murphy"),
    ("Michał", "Rutkowski", "Rutkowski Opakowania", "michal.rutkowski@rutkowski.example",
     "Zapytanie o skanery ręczne dla pakowni", "anna.kowalska"),
    ("Karolina", "Sobczak", "Piekarnia Sobczak", "karolina.sobczak@piekarnia-sobczak.example",
     "Monitoring temperatury w chłodniach, cztery lokalizacje", "anna.kowalska"),
    ("Paweł", "Nowicki", "Nowicki Auto-Części", "pawel.nowicki@nowicki-auto.example",
     "System magazynowy, termin do końca roku", "anna.kowalska"),
    ("Dieter", "Kraus", "Kraus Getränkehandel", "dieter.kraus@kraus-getraenke.example",
     "Leergutverwaltung mit mobilen Scannern", "bernd.schaefer"),
    ("Annegret", "Wolff", "Wolff Medizintechnik", "annegret.wolff@wolff-medizin.example",
     "Chargenrückverfolgung nach MDR", "bernd.schaefer"),
    ("Stefan", "Huber", "Huber Holzbau", "stefan.huber@huber-holzbau.example",
     "Anfrage über Webseite: Inventur per Drohne", "bernd.schaefer"),
    ("Julien", "Caron", "Caron Primeurs", "julien.caron@caron-primeurs.example",
     "Suivi de la chaîne du froid, trois entrepôts", "claire.dubois"),
    ("Élodie", "Vasseur", "Vasseur Textiles", "elodie.vasseur@vasseur-textiles.example",
     "Demande de devis pour vingt terminaux", "claire.dubois"),
    ("Marc", "Tissot", "Horlogerie Tissot-Brun", "marc.tissot@tissot-brun.example",
     "Inventaire RFID de pièces de valeur", "claire.dubois"),
    ("Pilar", "Navarro", "Aceites Navarro", "pilar.navarro@aceites-navarro.example",
     "Trazabilidad de lotes para exportación", "diego.fernandez"),
    ("Óscar", "Lozano", "Lozano Repuestos", "oscar.lozano@lozano-repuestos.example",
     "Contacto en la feria de Zaragoza: lectores y etiquetas", "diego.fernandez"),
    ("Daniela", "Quiroga", "Textiles Quiroga", "daniela.quiroga@quiroga.example",
     "Implantación de almacén nuevo en Puebla", "diego.fernandez"),
    ("浩", "渡辺", "渡辺運輸", "hiroshi.watanabe@watanabe-unyu.example",
     "配車管理システムの資料請求", "emi.tanaka"),
    ("恵子", "松本", "松本酒造", "keiko.matsumoto@matsumoto-shuzo.example",
     "酒蔵の温度監視について問い合わせ", "emi.tanaka"),
    ("亮", "清水", "清水精機", "ryo.shimizu@shimizu-seiki.example",
     "部品倉庫の棚卸し自動化", "emi.tanaka"),
    ("Ingrid", "Solberg", "Solberg Seafood", "ingrid.solberg@solberg-seafood.example",
     "Cold chain sensors for air freight to Asia", "ines.carvalho"),
)  # fmt: skip


def _lead(first: str, last: str, company: str, email: str, topic: str, owner: str) -> Lead:
    return Lead(
        id=sample_id("lead", email),
        first_name=first,
        last_name=last,
        company=company,
        email=email,
        topic=topic,
        owner=f"{owner}@{DOMAIN}",
    )


LEADS = tuple(_lead(*row) for row in _LEADS)
