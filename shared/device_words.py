"""The words in a User-Agent by which devices and systems are told apart. Patterns see it in lower case."""

import re
from typing import Final

from shared.vocabulary import Vocabulary


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.ASCII)


NEITHER: Final = Vocabulary(
    words=(
        # Televisions, boxes and players.
        "smarttv|smart-tv|smart tv|smart_tv|googletv|google tv|apple tv|appletv|tvos|opera tv|(tv;|webtv|hbbtv|nettv",
        "gftv|philipstv|opentv|kreatv|inettv|avui/tv|/dtv|(dtv|dtv_|dtv;|dtvn|hybridcast|ce-html|netcast|web0s",
        "webos.tv|webostv|viera|bravia|aquos|crkey|large screen|largescreen|netrange|vidaa|vestel|espial|freebox|vizio",
        "smarthub|stbapp|set-top|settop| kodi|boxee|tivo|toshibatp|gw-device|qtembedded|sonycebrowser|sonybdp|bdplayer",
        "model/sony|coralwebkit|mbxtwebkit| omi/| sraf/|odin/|alexamediaplayer|walkman/|zunehd|amazon;aft|amazon;echo",
        "_aft|roku",
        # Consoles and headsets.
        "nintendo|playstation|xbox|ouya|segasaturn|dreamcast|dreampassport|oculus|mobile vr|vr safari",
        # Watches, cars, e-readers, speakers, household and office machines.
        "watchos|watch os|apple watch|smartwatch|wear os|wearos|tesla/|qtcarbrowser|kobo/|kobo touch|kobo e",
        "pocketbook/|ereader|e-reader|bookeen|cybook|sonos|homepod|audioaccessory|smartspeaker|familyhub|family hub",
        "brightsign|adapi|signage|large-display|printer|upnp|dlna",
    ),
    patterns=(
        r"\btv safari|safari/[\d.]+ tv\b|tizen.{1,30}\btv\b|\bmb9\d/|linux (?:mips(?!64)|sh4)|maple[ \d]|\bwpe$",
        r"; ?aft[a-z]{1,6}\d*\b|; ?ae[oe][a-z]{2,3}\b|\bpsp\b|\bps[34]\b|\bwii\b|\bpico |\bwatch\d|sm-r\d{3}",
        r"; quest(?: [23]\w?| pro)?[;)]|kindle/\d|\bprs-t|\bmfp\b",
    ),
)
"""Televisions and other things that are no computer, telephone or tablet."""

WINDOWS_PHONE: Final = Vocabulary(
    words=("windows phone|windowsphone|iemobile|lumia|wpdesktop|zunewp7|windows ce|windows mobile|xblwp7",),
)
FEATURE_PHONE: Final = Vocabulary(
    words=(
        # What they announce, their systems and their browsers.
        "mobile|phone|midp|cldc|j2me|brew|symbian|symbos|series40|series60|series80|series 60|series30|s60;|s60 |(s60",
        "maemo|meego|sailfish|jolla|tizen|bada/|palmos|palm os|palmsource|psion|epoc|hpwos|webos/|kaios|(bb10|mtk;",
        "(mtk|nucleus|mocor|threadx|spreadtrum|up.browser|up.link|wap browser|wap-browser|(wap|maui|opera mini",
        "opera mobi|obigo|teleca|dolfin|openwave|jasmine|dorado|blazer|netfront|ucweb|uc browser|ucbrowser|jig browser",
        "portalmmm|avantgo|eudoraweb|elaine|mmef",
        # Makers and carriers.
        "nokia|blackberry|samsung-|samsung;|ericsson|philips|alcatel|huawei|panasonic|sagem|sharp|sanyo|kyocera",
        "lenovo-|telit|hiptop|micromax|karbonn|ktouch|k-touch|kddi|docomo|foma|j-phone|vodafone/|softbank|willcom",
    ),
    patterns=(
        r"\bsec-|\blge?-?[a-z]{0,2}\d|\bmot-|\bsie-|\bsch-|\bzte|\bhtc|\bbird[-._]|\bfly[_ -]|\bsm-[acefgjmnsz]\d{3}",
        r"\brim\d|\bpda\b|\bxda|\bspv |\bdv\(iph|\bpre/|pixi/|\bios\b|\bemui",
    ),
)
"""Telephones from before Android, and browsers that only they have."""

TABLET: Final = Vocabulary(
    words=("playbook|touchpad|htc_flyer|nexus 7|nexus 10| silk/",),
    patterns=(r"tablet(?! ?pc)|\bkf[a-z]{2,4}\b",),
)
PRETENDS: Final = Vocabulary(
    words=("ucbrowser/|360browser|palmsource",),
    patterns=(r"360 ?aphone|\bhtc_",),
)
"""Browsers of telephones that send the headers of a desktop."""

PUFFIN: Final = _any_of(r"puffin/[\d.]+([aiwlm])([ptd])")
"""A browser in the cloud: its own letters say the system (group 1) and the device (2) of who looks at it."""

IOS_BROWSER: Final = _any_of(r"crios|fxios|edgios|opios|opt/|gsa/|mobile/")
"""Browsers of iOS, which on an iPad in desktop mode call themselves a Mac's."""

MAC: Final = Vocabulary(
    words=("x86_64|macbook|imac|macmini|macpro|macintosh|mac_powerpc",),
    patterns=(r"mac ?os|\bmac\d|^safari/",),
)
ANDROID: Final = _any_of(r"andr[o0]id|harmonyos|\badr \d|dalvik|fban/fb4a|\(linux; u; ")
ANDROID_MODEL: Final = _any_of(
    r"(?:andr[o0]id|harmonyos|\badr)[ /-]?(?P<version>[\d.]{0,12}+)[^;)#]{0,40}+"
    r"(?:(?:;|##) ?(?:[a-z]{2}(?:[-_][a-z]{0,5}){0,2}|u|harmonyos|arm\w{0,6}|wv|mobile|tablet) ?(?=[;)#]))*"
    r"(?:;|##) ?(?P<model>(?!opera m)[^;)#]{1,80}?)(?: build|;|\)|##| applewebkit|/|$)"
)
"""The version and the model, which stands behind it, after any language, architecture and such."""

ENGINE: Final = _any_of(r"applewebkit|gecko/|presto/")
"""A browser engine: what else runs on Android (Dalvik, download managers, apps) never says "Mobile"."""
