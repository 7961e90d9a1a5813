"""Countries a rule can name: ISO 3166-1 alpha-2 codes (and XK), their English names, and named groups.

Source of the codes and short names: ISO 3166-1 as published on 2026-01-01; continents follow the UN M49 regions,
with North America holding Central America and the Caribbean as marketers expect.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

UNKNOWN: Final = "ZZ"
"""The country of an address nobody can place."""

_ALIASES: Final = {"UK": "GB", "EL": "GR"}

_TABLE: Final = """
africa AO Angola;BF Burkina Faso;BI Burundi;BJ Benin;BW Botswana;CD DR Congo;CF Central African Republic
africa CG Congo;CI Côte d'Ivoire;CM Cameroon;CV Cape Verde;DJ Djibouti;DZ Algeria;EG Egypt;EH Western Sahara
africa ER Eritrea;ET Ethiopia;GA Gabon;GH Ghana;GM Gambia;GN Guinea;GQ Equatorial Guinea;GW Guinea-Bissau
africa IO British Indian Ocean Territory;KE Kenya;KM Comoros;LR Liberia;LS Lesotho;LY Libya;MA Morocco
africa MG Madagascar;ML Mali;MR Mauritania;MU Mauritius;MW Malawi;MZ Mozambique;NA Namibia;NE Niger;NG Nigeria
africa RE Réunion;RW Rwanda;SC Seychelles;SD Sudan;SH Saint Helena;SL Sierra Leone;SN Senegal;SO Somalia
africa SS South Sudan;ST São Tomé and Príncipe;SZ Eswatini;TD Chad;TG Togo;TN Tunisia;TZ Tanzania;UG Uganda
africa YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe
antarctica AQ Antarctica;BV Bouvet Island;GS South Georgia;HM Heard and McDonald Islands
antarctica TF French Southern Territories
asia AE United Arab Emirates;AF Afghanistan;AM Armenia;AZ Azerbaijan;BD Bangladesh;BH Bahrain;BN Brunei
asia BT Bhutan;CN China;GE Georgia;HK Hong Kong;ID Indonesia;IL Israel;IN India;IQ Iraq;IR Iran;JO Jordan
asia JP Japan;KG Kyrgyzstan;KH Cambodia;KP North Korea;KR South Korea;KW Kuwait;KZ Kazakhstan;LA Laos;LB Lebanon
asia LK Sri Lanka;MM Myanmar;MN Mongolia;MO Macao;MV Maldives;MY Malaysia;NP Nepal;OM Oman;PH Philippines
asia PK Pakistan;PS Palestine;QA Qatar;SA Saudi Arabia;SG Singapore;SY Syria;TH Thailand;TJ Tajikistan
asia TL Timor-Leste;TM Turkmenistan;TR Türkiye;TW Taiwan;UZ Uzbekistan;VN Vietnam;YE Yemen
europe AD Andorra;AL Albania;AT Austria;AX Åland;BA Bosnia and Herzegovina;BE Belgium;BG Bulgaria;BY Belarus
europe CH Switzerland;CY Cyprus;CZ Czechia;DE Germany;DK Denmark;EE Estonia;ES Spain;FI Finland;FO Faroe Islands
europe FR France;GB United Kingdom;GG Guernsey;GI Gibraltar;GR Greece;HR Croatia;HU Hungary;IE Ireland
europe IM Isle of Man;IS Iceland;IT Italy;JE Jersey;LI Liechtenstein;LT Lithuania;LU Luxembourg;LV Latvia
europe MC Monaco;MD Moldova;ME Montenegro;MK North Macedonia;MT Malta;NL Netherlands;NO Norway;PL Poland
europe PT Portugal;RO Romania;RS Serbia;RU Russia;SE Sweden;SI Slovenia;SJ Svalbard and Jan Mayen;SK Slovakia
europe SM San Marino;UA Ukraine;VA Vatican City;XK Kosovo
north-america AG Antigua and Barbuda;AI Anguilla;AW Aruba;BB Barbados;BL Saint Barthélemy;BM Bermuda
north-america BQ Caribbean Netherlands;BS Bahamas;BZ Belize;CA Canada;CR Costa Rica;CU Cuba;CW Curaçao
north-america DM Dominica;DO Dominican Republic;GD Grenada;GL Greenland;GP Guadeloupe;GT Guatemala;HN Honduras
north-america HT Haiti;JM Jamaica;KN Saint Kitts and Nevis;KY Cayman Islands;LC Saint Lucia;MF Saint Martin
north-america MQ Martinique;MS Montserrat;MX Mexico;NI Nicaragua;PA Panama;PM Saint Pierre and Miquelon
north-america PR Puerto Rico;SV El Salvador;SX Sint Maarten;TC Turks and Caicos Islands;TT Trinidad and Tobago
north-america US United States;VC Saint Vincent and the Grenadines;VG British Virgin Islands
north-america VI US Virgin Islands
oceania AS American Samoa;AU Australia;CC Cocos Islands;CK Cook Islands;CX Christmas Island;FJ Fiji
oceania FM Micronesia;GU Guam;KI Kiribati;MH Marshall Islands;MP Northern Mariana Islands;NC New Caledonia
oceania NF Norfolk Island;NR Nauru;NU Niue;NZ New Zealand;PF French Polynesia;PG Papua New Guinea;PN Pitcairn
oceania PW Palau;SB Solomon Islands;TK Tokelau;TO Tonga;TV Tuvalu;UM US Outlying Islands;VU Vanuatu
oceania WF Wallis and Futuna;WS Samoa
south-america AR Argentina;BO Bolivia;BR Brazil;CL Chile;CO Colombia;EC Ecuador;FK Falkland Islands
south-america GF French Guiana;GY Guyana;PE Peru;PY Paraguay;SR Suriname;UY Uruguay;VE Venezuela
"""


def _read_table() -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    names: dict[str, str] = {}
    continents: dict[str, set[str]] = {}
    for line in _TABLE.strip().splitlines():
        continent, _, rest = line.partition(" ")
        for entry in rest.split(";"):
            code, _, name = entry.partition(" ")
            names[code] = name
            continents.setdefault(continent, set()).add(code)
    return names, {continent: frozenset(codes) for continent, codes in continents.items()}


_names, _continents = _read_table()

NAMES: Final[Mapping[str, str]] = MappingProxyType(dict(sorted(_names.items())))
"""Code -> English name, for every country; `ZZ` is not among them."""

CODES: Final[frozenset[str]] = frozenset(NAMES)

_EU: Final = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())  # noqa: SIM905

GROUPS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "@eu": _EU,
        "@eea": _EU | {"IS", "LI", "NO"},
        "@dach": frozenset({"DE", "AT", "CH"}),
        "@nordics": frozenset({"DK", "FI", "IS", "NO", "SE", "AX", "FO", "GL"}),
        # Latin America as the trade uses the word: Romance-speaking America south of the US, Puerto Rico among it.
        "@latam": frozenset(
            "AR BO BR CL CO CR CU DO EC GT HN MX NI PA PE PR PY SV UY VE GF GP HT MQ BL MF".split()  # noqa: SIM905
        ),
        "@europe": _continents["europe"],
        "@africa": _continents["africa"],
        "@asia": _continents["asia"],
        "@oceania": _continents["oceania"],
        "@north-america": _continents["north-america"],
        "@south-america": _continents["south-america"],
    }
)
"""Group -> its countries."""

GROUP_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "@eu": "European Union",
        "@eea": "European Economic Area",
        "@dach": "DACH",
        "@nordics": "Nordics",
        "@latam": "Latin America",
        "@europe": "Europe",
        "@africa": "Africa",
        "@asia": "Asia",
        "@oceania": "Oceania",
        "@north-america": "North America",
        "@south-america": "South America",
    }
)


def normalise(code: str) -> str | None:
    """Return the upper-case ISO code that `code` means (`uk` -> `GB`), or None when it names no country."""
    upper = code.strip().upper()
    folded = _ALIASES.get(upper, upper)
    return folded if folded in CODES else None


def name_of(value: str) -> str:
    """Return the English name of a code, of a group or of `ZZ`; the value itself when it is none of these."""
    if value == UNKNOWN:
        return "an unknown country"
    return NAMES.get(value) or GROUP_NAMES.get(value) or value
