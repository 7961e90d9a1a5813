"""Tells crawlers, link previewers, HTTP libraries, monitors and headless tools from people, by the User-Agent alone.

A sender is a bot when it says so (bot, crawler, preview, ...), when it leaves a link or an address to complain to, when
it is a program known by name, or when it is neither a browser nor an app on any known system. An empty User-Agent is a
bot: every browser and WebView sends one, and what sends none is a script.

A person counted as a bot is a click lost, so the words that search apps, chats and readers of people share with their
companies' crawlers ("search", "yandex", "feed") count only where no telephone's system is named.
"""

import re
from typing import Final

from shared.vocabulary import Vocabulary


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.ASCII)


_PERSONAL: Final = _any_of(
    r"\.net ?(?:clr|\d)|cubot|\bm[ _]bot\b|id ?bot|libwww-fm|mosaic.{0,80}libwww|slackware|preview\) gecko|u_agent/",
    r"windows-update-agent|masking-agent",
    r"ya(?:ndex)?search\w*|edition yandex|yandex\.?browser|sogou(?:search|mse|mobile|android)\w*",
    r"baidu(?:box|browser|hd|input)\w*",
    r"viber/|discord(?:[-/]|ptb|canary)|msn (?:\d|optim)|slack(?:[-_ ](?:ssb|desktop)|/\d)|skype for",
    r"telegram-?(?:android|ios|desktop)",
    r"[a-z]{0,20}httpclient/\d[\d.]{0,20}$|daum(?:apps|device)|google(?:tv|app|earth)|edu_proxy|proxyless",
)
"""What the software of people says that sounds like a bot."""

_SAYS_SO: Final = Vocabulary(
    words=(
        "crawl|spider|spyder|slurp|archiv|preview|snippet|unfurl|thumbnail|screenshot|screenie|websnap|favicon",
        "prerender|headless|phantomjs|casperjs|selenium|puppeteer|playwright|webdriver|wkhtmlto|lighthouse|synthetic",
        "speedcurve|gtmetrix|imgsizer|uptime|validator|wechatdevtools|scanning|feedfetch|fetch/|indexer",
    ),
    patterns=(
        r"bot(?![a-z])|(?<![a-z])bot(?!tle)|bots\b|scrap(?:er|ing|y)|page ?speed|\bptst\b|web ?cap|monitor(?:ing|s|\b)",
        r"check(?:er|_|-|http)|site ?check|link ?check|(?<!cam)scanner\b|\baudit|web ?fetch|fetch(?:er|or)",
    ),
)
_CONTACT: Final = _any_of(r"https?:|\bwww\.|[\w.+-]@[a-z][\w-]*\.[a-z]|\[at\]")
_NAMED: Final = Vocabulary(
    words=(
        # Language models and their tools.
        "chatgpt|openai|anthropic|perplexity|cohere-|mistralai|deepseek|google-extended|notebooklm|diffbot",
        "character-ai",
        # Previews of chats, offices and social networks.
        "meta-external|whatsapp|embedly|iframely|vkshare|bitly|friendica",
        # Search engines and advertisers' checks.
        "googleother|googleassociat|googleproducer|googledocs|mediapartners|adsbot|appengine|apis-google|heritrix",
        "ahrefs|semrush|mj12|proximic|adbeat|netcraft|catchpoint|gomez|keynote|neustar|dareboost|ghost inspector",
        "pingdom|site24x7|nagios|ruxit|dynatrace|wappalyzer|w3c_|ia_archiver|ips-agent|masscan|zgrab|nikto|sqlmap",
        "nuclei|jndi:|dirbuster|w3af|mixed-content-scan|newrelicpinger|convertify|stumbleupon|sindup|onetrust",
    ),
    patterns=(
        r"\bgpt|claude(?:-|bot|/)|facebook(?:external|catalog|platform)|^telegram|skype(?:uri)|\bviber$",
        r"flipboard(?:proxy|rss)|^pinterest/|^snapchat/|microsoft office (?:word|excel|powerpoint) \d",
        r"\) (?:word|excel|powerpoint)/1\d|google-(?!earth)\w|google \(\+|bing(?:bot|preview)",
        r"yandex(?:bot|\.tr|direct|metrika|image|video|media)",
    ),
)
_SUGGESTS: Final = Vocabulary(
    words=(
        "scrape|fetch|harvest|monitor|check|validat|verif|survey|research|inspect|observatory|detector|sniff|probe",
        "tester|testing|_test|benchmark|watchdog|diagnos|sitemap|backlink|copier|grab|downloader|rss/|aggregat",
        "newsgator|netnewswire|syndic|daemon|automat|webhook|collect|discover|mirror",
    ),
    patterns=(
        r"worm\b|index(?:er|ing)|\bping(?!uino)|scan(?:s|\b|/)|analy[sz]|(?<!f)lint\b|(?<!smart)[a-z]watch/",
        r"status(?:cake|\b)|search(?!box|craft)|\bseo|seo\b|link ?(?:valid|exam|walk|sleuth|reader|test)|\bfeed|feed\b",
        r"feed(?:er|parser|reader)|\brss|rss\b|reader\b|newsb(?:eu|oa|lu)|\d subscri|(?<!wap )proxy",
        r"cloud(?:flare|front)|(?<!user-)agent\b|import(?:er)?\b|server\b",
        r"(?<!com)\.(?:com|org|net|io|ai|ru)\b(?!\.)|\.php|service\b",
    ),
)
_LIBRARY: Final = Vocabulary(
    words=(
        "httpurl|okhttp|go-http|akka-http|reqwest|faraday|mechanize|typhoeus|winhttp|wininet|powershell|postman",
        "insomnia|jakarta|apache|ktor|feign|retrofit|libsoup|nutch|mojolicious|simplepie|newspaper/|zend|symfony",
        "wordpress|drupal|joomla|typo3|mediawiki|restsharp|asynchttp",
    ),
    patterns=(
        r"\b(?:curl|wget|httpie|libwww|lwp|urllib|requests|aiohttp|httpx|python|perl|ruby|php|java/?\d|node|axios)\b|undici",
        r"http[-_ ]?(?:client|request|lib|kit|rs|unit|component)|\bdart\b|\bhyper/|\bureq|\bresty|\bjdk|\bphoton/",
    ),
)
_COMPANY: Final = Vocabulary(
    words=(
        "google|yandex|baidu|sogou|yahoo|y!j|bing/|ask jeeves|teoma|daum|duckduckgo/0|360spider|tumblr|linkedin|quora",
        "pinterest|mastodon|pleroma|misskey|akkoma|lemmy|slack|discord|telegram|snap url|line-poker|outbrain|nuzzel",
        "disqus|hatena|majestic|brandwatch|newrelic|datadog|zabbix|prtg|builtwith|w3c|htdig|larbin|nessus|openvas",
        "censys|shodan|acunetix|burp|expanse|owasp|jorgee|evernote|instapaper|readability|wotbox|httrack",
        "offline explorer|teleport|webzip|jetty|coldfusion|whatcms|dataprovider|contype|shopify|mailchimp|kube",
        "elb-health|frontpage|webdav|gitlab",
    ),
    patterns=(r"\bmsn|coccoc(?!browser)|\bnmap|mail\.ru|amazon (?:route|simple|cloud)|\bpip/",),
)
_PHONE: Final = Vocabulary(
    words=("android|iphone|ipad|ipod|windows phone|midp|symbian|blackberry|hbbtv",),
    patterns=(r"\bios\b|\btv\b|smart-?tv",),
)
_COMPATIBLE_BROWSERS: Final = (
    r"msie|konqueror|u|googletoolbar|origyn|wap|dillo|elinks|netsurf|webos|ibrowse|opera|arora|icab|safari|windows|linux"
    r"|intel|abrowse|odyssey|omniweb|netpositive|maui|lotus-notes|ms-office|mmef20|antgalio|teleca|netbox|mobile2"
    r"|smartphone2|tablet2|mozilla"
)
_COMPATIBLE_STRANGER: Final = re.compile(
    rf"\(compatible;?+ ?+\+?+(?!(?:{_COMPATIBLE_BROWSERS})\b)"
    r"(?!.*(?:msie|palmos|symbian|amiga|haiku|risc ?os|netfront))"
)
_KNOWN_SYSTEM: Final = Vocabulary(
    words=(
        "browser|mosaic|netscape|explorer|dalvik|android|iphone|ipad|ipod|darwin|cfnetwork|windows|win10|win32",
        "macintosh|macbook|linux|x11|amiga|beos|risc os|freebsd|j2me|midp|cldc|wap|maui|brew|obigo|nucleus|symbian",
        "palm|psion|tizen|portalmmm|netfront|docomo|j-phone|kddi|softbank|vodafone|nokia|samsung|blackberry|ericsson",
        "motorola|huawei|lenovo|alcatel|philips|sharp|panasonic|sanyo|sagem|micromax|karbonn|spice|ktouch|bird",
        "playstation|nintendo|xbox|segasaturn|smarttv|dtv|roku|watch|vlc/|amazon;|sonos|hybridcast|fban|instagram",
        "spotify|player|itunes|quicktime|dillo|icab|omniweb|konqueror|netsurf|vimprob|arachne|galaxy|outlook|office/",
        "onenote|wireshark|intellij",
    ),
    patterns=(
        r"^\"?mozilla/(?:[1-4]|5\.0 *(?:\(|linux|x11|windows|macintosh|iphone|android|applewebkit|gecko))|^opera",
        r"^firefox|^ucweb|^lynx|^links|^w3m|^elinks|\bios\b|mac ?os|\bosx|up\.browser|\blge?[-/]?[a-z]{0,2}\d|\bmot-",
        r"\bhtc|\bsie-|\bsec-|\bsch-|\bzte|\btv|tv\b|\biph\d|sm-[a-z]\d{3}",
    ),
)


def is_bot(user_agent: str) -> bool:
    """Say whether a User-Agent belongs to no person; the empty one does not. Any string has an answer."""
    ua = user_agent[:512].lower()[:512]
    if not _sounds_like_bot(ua):
        return False
    impersonal = _PERSONAL.sub(" ", ua)
    return impersonal == ua or _sounds_like_bot(impersonal)


def _sounds_like_bot(ua: str) -> bool:
    if _SAYS_SO.occurs_in(ua) or _NAMED.occurs_in(ua) or _CONTACT.search(ua) or _COMPATIBLE_STRANGER.search(ua):
        return True
    if _PHONE.occurs_in(ua):
        return False
    if _SUGGESTS.occurs_in(ua) or _LIBRARY.occurs_in(ua) or _COMPANY.occurs_in(ua):
        return True
    return not _KNOWN_SYSTEM.occurs_in(ua)
