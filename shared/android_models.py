"""What kind of device an Android model name stands for, by the naming habits of its vendor.

Android itself says only "Mobile" or nothing, and many tablets, television sets and boxes say the wrong one. Each table
lists vendors' habits. Patterns see the model alone, in lower case and without its maker: "sm-t510", "43u750ts".
"""

import re
from typing import Final


def _any_of(*habits: str) -> re.Pattern[str]:
    return re.compile("|".join(habits), re.ASCII)


_MAKER: Final = _any_of(
    r"(?:samsung|huawei|honor|asus|sony|acer|amazon|google|xiaomi|tecno|celkon|dell|tcl|alcatel|teclast)[ _-]+",
    r"lenovo[ _-]*",
)

_TABLET_WORD: Final = _any_of(
    r"(?<![a-z])(?:tab|pad)(?!ble|le?top|dle)",  # Tab A8, TAB07-200, Pad 6
    r"(?<!cool)(?:tab|pad)(?![a-z])",  # LifeTab E10312, MediaPad T5, GPad701
    r"tablet|xoom|playbook|transformer|slatebook|iconia|touch_?pad|slidepad|ipad|hipad|funbook|idea(?:pad|tab)a",
)

_TABLET: Final = _any_of(
    # Samsung: the T, X and P series, the first Galaxy Tabs and Notes and what carriers in the US and Asia called them.
    r"(?:samsung-)?(?:sm-[txp]\d{3}|gt-p\d{4}|gt-n(?:51|80)\d\d|sch-i(?:800|815|905|915)|sph-p100|sgh-[ti](?:849|859|957|987|467|497))",
    r"sc-(?:01[cde]|02d)\b|shw-m(?:180|305|380|480|485|500)|shv-e(?:140|150|230)",
    # Amazon Fire: KF is what is left of "Kindle Fire".
    r"kf[a-z]{2,6}\b|kindle fire",
    # Huawei and Honor: -W stands for models with Wi-Fi alone; those with a telephone are known by series.
    r"[a-z]{3,4}\d?-w\d",
    r"(?:ag[sr]k?|bah|bz[a-z]|btvd?|bg2|btkr?|cpn|cmr|db[ry]|fdr|got|hdl|hey|jdn|jms|kjr|kob|kobe|krj|mon",
    r"|mr[xro]|ple|rod|scmr?|sht|vrd|wgrr?|xyao)\d?-\w{2}",
    r"s7-\d{3}|s10[12][a-z]|t1[- ][78a]\w*|t2-|m2-[8a]\w\d",
    # Lenovo: TB and YT series; -F is Wi-Fi, -H has a telephone.
    r"(?:tb|yt|yb)\d?-?[a-z]?\d{2,4}[a-z]{0,2}|[abs]\d{4}l?-(?:fl?|hv?|gv|g|i)\b|s6000",
    # LG, Sony, Asus, Google, Acer, Motorola, Dell, and the tablets of Japanese carriers.
    r"lg-v[4-9]\d\d|vk8\d\d|uk\d{3}|lgt\d\d|lm-t\d{3}|(?:so|sh|ky|hw|la|qt|sc)t[23]\d\b|sgpt?\d{2,3}|so-(?:03e|05[fg])",
    r"\d{3}lv$|d-[05]\d[a-z]\b|tf\d{3}|me\d{3}[a-z]|p0\d\w(?:_\d)?$|k0[01][0-9a-z]$|nexus (?:7|9|10)\b",
    r"pixel (?:c|tablet)",
    r"a1-[78]\d\d|a3-a\d\d|b1-[78a]\w\d|b3-a\d\d|mz6\d\d|xt2261|venue|streak (?:7|10)|htc[ _]flyer|slate \d",
    # Xiaomi numbers its models by year, month and serial, RP is a tablet; OPPO, realme and vivo have series.
    r"2\d{3}[0-9a-c]\w{0,3}rp\w|m2105k81\w*|2[12]\d5118\d\w|220812\d\d\w+|opd\d{4}|rmp\d{4}|i?pa2\d{3}",
    # Alcatel and TCL.
    r"(?:one touch )?(?:p3[1-6]0x|t10|t20|evo7\w*)\b|8(?:0[5-9][1-9]|[124]\d\d)[a-z]?\d?(?:_.{1,5})?$"
    r"|9(?:0(?!02|08|22)\d|[1-4]\d)\d[a-z]?\d?(?:_.{1,5})?$",
    # US store brands and carriers: onn., RCA, Nextbook, Insignia, Ellipsis.
    r"100\d{6}|rct\d{4}|nx[am]?\d{3}[a-z]*\d|ns-p|qta|htb\d{3}|tl[age]\d{2,3}",
    # Prestigio, Digma, Irbis, BQ, teXet, iconBIT, Ginzzu, Assistant and their neighbours in eastern Europe.
    r"pm[pt]\d{4}|(?:digma )?(?:plane|optima)[ _]|.{0,30}[ _][cmprstw][st][1789]\d{3}[mpr][glw]$|t[zxw]\d{2,3}\b",
    r"(?:ginzzu[ _])?gt-[7xw]\d{2,3}|bq(?:ru)?-(?:[789]\d{3}|10\d{2})|tm-(?:[789]\d{3}|10\d\d|mid)|nt-\d{4}[a-z]",
    r"ap-\d{3}",
    r"tdt\d{4}|plt\d{3,4}|t\d{2,3}[a-z]{0,3}i?[_ ]?[34]g|nomi_c(?:07|08|10)|pixus|impression|rmd[-_]\d",
    # West European house brands.
    r"(?:archos|arnova) ?(?:[789]\d|1[0-4]\d)|odys[ _-]|xelio|woxter(?!_zielo)|lark (?!cirrus)|estar|kiano|orin|pluri",
    r"vonino",
    r"pov|ezee|denver|ta[dq]-|visionbook(?! p)|viva[_ ][ch]?\d|aquaris m(?:8|10)|hudl|ht7s3|tolino|bntv|bnrv|nook",
    r"pocketbook (?:a|surf)|mfc\d{3}|qilive|energy sistem|mediacom|m-mp\d{2,3}|dslide",
    # Chinese tablets, many sold under no brand at all: MID is "mobile internet device".
    r"p?mid[ci]?[-_]?[a-z]*\d|tf-mid|tpc[-_a-z]*\d|(?:rc|adm|adt|ft|qt|tq|tiq)[-_]?\d{4}[a-z]?$|dl[17]\d{2,3}",
    r"ac[01789]\d{2,3}[a-z]|ct\d{3,4}$|novo\d",
    r"iplay|chuwi|alldocube|onda|ramos ?i|ainol|cube|u\d\dgt|pipo|hi\d{1,2} ?(?:pro|air|x|plus|$)|vi\d$|bdf|bmx|iball",
    r"zync|micromax p\d{3}|readboy",
    r"[ptm]\d{2}(?:hd|s|t|pro|plus|air|ultra|se|x)*(?:_[tw])?[ _-](?:row|eea)$|[ptm]\d{2}[a-z]{0,5}\([a-z]\d[a-z]\d$",
)

_NOT_A_TABLET: Final = _any_of(r"padfone|sm-t255|evpad|tvpad|pad[mt]\d0|sgp412|g?pad_[gu]")

_WORN: Final = _any_of(
    r"sm-[rl]\d{3}|(?:g|lg|ticwatch|gear|moto) ?(?:360|live|watch)|kant-\d|ow\d\dw\d|opww|leo-dlx|lem\d|glass \d"
    r"|.{0,20}(?<![a-z])(?:smart|zen|tic)?watch(?![a-z])",
)

_INCHES: Final = r"(?:19|2[0248]|3[29]|4[0-39]|50|5[058]|65|75|86)(?!\d)"

_INCHES_FIRST: Final = rf"(?:70|85|{_INCHES})"
_CODE: Final = r"(?:[a-z]{1,9}[-_ ]){0,2}[a-z]{0,5}"
_NO_SCREEN: Final = r"(?!plus|pro|lite|ultra|mini|max|power|case|note|edge|play|prime)"

_SCREEN: Final = _any_of(
    r"bravia|aquos[-_ ]tv|viera|shield|nexus player|adt-\d|beyondtv|portaltv|aft[a-z]|aeo[a-z]{2}|tvs-",
    # The panel's inches and a letter, alone or behind a maker's code: 43U750TS, HTY-55UHD11B, U50F8000EG.
    rf"{_CODE}{_INCHES}{_NO_SCREEN}(?:[a-z]{{1,6}}[-_]?\d{{2,5}}[a-z]|[a-z]{{4,8}}\d?$|[a-z]{{2,8}}\d{{3,}})",
    rf"(?:[a-z]{{1,9}}[-_ ])?{_INCHES_FIRST}(?:[a-z]{{2,8}}[-_/ ]?\w*\d{{2,}}|[a-z]\d{{3,4}}[a-z]{{0,3}}\b)",
    rf"{_INCHES_FIRST}[a-z]{{1,3}}-[a-z]{{2}}",
    r".{0,20}(?<![a-z])(?:(?:le|led|lc|kdl|ue)[-_]?|lt-)\d{2}[a-z]",
    # Set-top boxes and sticks.
    r"x9[68]m|x9[68]q|x96|x88|h96|h10 play|t95|i96|a95x|.{0,10}mxq|tx[3-9](?:mini)?\b|tanix|hk1|km[1-9]\b|m8s|mk80\d",
    r"neo[-_][xuz]\d|tox\d|gt1[- ]?mini|tr99|ut8$|s9\d\d_?pro|dv\d{4}|gtv\d|yndx-\d|boxd|xgody|beelink|ugoos|zidoo",
    r"vontar|me-?cool|formuler|rombica|selenga|invin|vorke|dune|egreat|himedia|minix|hiremco|nexon|evpad|tvpad|openbox",
    r"transpeed|yundoo|xgimi|tivo|spybox|katv|cvte|matricom|pendoo|iconbit (?:movie|xds)|rkm",
    r"amlogic|rockchip|rk3[23]\d{2}|droidlogic|odroid|orangepi|tinker",  # the boards inside
    # Headsets, handheld consoles, music players and meeting-room boards.
    r"quest(?: [23]| pro)|pico |oculus|lynx-r|mpc-\d|rg(?:35|40|50|55)|retroid|odin|nw-a\d|fiio|xdp-|ifp\d{4}|seewo",
)
_SCREEN_WORD: Final = _any_of(
    r"(?:(?<![a-z])|android|smart|google|hybrid|union|mi|kogan|duo)[ _-]?tv(?![a-z])|tv[ _-]?box|smart ?tv",
    r"[a-z](?<!d)tv(?![a-z])|(?<!tur)box(?![a-z])|(?<![a-z])stb(?![a-z])|(?<![a-z])stick(?![a-z])|dongle|chromecast",
    r"streamer|(?<![a-z])[oq]?led[-_]?\d{2}|uhd|(?<![a-z_])[fq]hd|(?<![a-z0-9])[48]k(?![a-z0-9])",
    r"(?<![a-z])shell[ _]",  # a Russian television platform, sold under many names
    r"quad-core t[3-8]|benz_|car$",  # dashboards
)

_PC: Final = _any_of(
    r"chromebook|inspiron|latitude|vostro|elitebook|probook|thinkpad|travelmate|satellite|aspire|pavilion|ideapad"
    r"|vivobook|zenbook|macbook|optiplex|hp compaq|hp engage|swift sf|virtualbox|vmware|standard pc|surface",
)

_PHONE: Final = _any_of(
    r"(?:samsung[- ])?(?:sm-[acefgjmnswz]\d|gt-[bceimns]\d|sgh-|sch-|sph-|shv-e|shw-m|sc-0|scv|scg)",
    r"(?:xiaomi )?(?:redmi|poco|hm note|mi? \d|mi (?:a|note|mix|max|\d))|m20\d\dj|2\d{3}[0-9a-c]\w{1,3}[a-oq-z]\w*$",
    r"(?:oneplus|cph\d|rmx\d|vivo|oppo|realme|v\d{4}[a-z]{0,2}\b|p[b-f][a-z][mtc]\d|le2\d|hd19|gm19|in20|kb20|ac20)",
    r"(?:huawei |honor )?[a-z]{3}\d?-(?:[altn]{1,2}\d\d[a-z]{0,4}$|lx\d)|huawei [gmpuy]|pixel \d|nexus (?:[456]|one|s)",
    r"moto[ _]|xt(?!2261)[12]\d{3}",
    r"htc|lge? ?lg-[a-uw-z]|lg-[a-uw-z]|lgls|lm-[a-su-z]|lt\d\d[ai]|[cdefgh][1-9]\d{3}$|st\d\di|nokia|ta-1|p\d{4}$",
    r"micromax",
    r"lava|karbonn|verykool|blade|zte|meizu|m\d note|lenovo [akpsz]\d{3,4}|asus_|z[bces]\d{3}k|mito[ _-]?[a3]|evercoss",
    r"polytron[ _][^t]|galaxy|blu (?!studio 7)|wiko|gionee|coolpad|doogee|ulefone|blackview|oukitel|cubot|umidigi",
    r"homtom",
    r"leagoo|elephone|bqs-|andy|neffos|infinix|tecno|itel (?!p1)|turkcell t|iq[24]\d{2}|.{0,20}phone",
)


def device_of_model(model: str) -> str:
    """Return the device class (one of DEVICES) of an Android model in lower case, "" where its name says nothing."""
    maker = _MAKER.match(model)
    name = model[maker.end() :] if maker else model
    if _WORN.match(name):
        return "other"
    if (_TABLET_WORD.search(name) or _TABLET.match(name)) and not _NOT_A_TABLET.match(name):
        return "tablet"
    if _SCREEN.match(name) or _SCREEN_WORD.search(name):
        return "other"
    if _PHONE.match(model):
        return "mobile"
    return "desktop" if _PC.search(name) else ""
