"""Tells crawlers, link previewers, HTTP libraries, monitors and headless tools from people, by the User-Agent alone.

A sender is a bot when it says so (bot, crawler, preview, ...), when it leaves a link or an address to complain to, when
it is a program known by name, or when it is neither a browser nor an app on any known system. An empty User-Agent is a
bot: every browser and WebView sends one, and what sends none is a script.

A person counted as a bot is a click lost, so the words that search apps, chats and readers of people share with their
companies' crawlers ("search", "yandex", "feed") count only where no telephone's system is named.
"""

import re
from typing import Final


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.ASCII)


_PERSONAL: Final = _any_of(
    r"\.net ?(?:clr|\d)|cubot|\bm[ _]bot\b|id ?bot|libwww-fm|mosaic.{0,80}libwww|slackware|preview\) gecko|u_agent/|windows-update-agent",
    r"ya(?:ndex)?search\w*|edition yandex|yandex\.?browser|sogou(?:search|mse|mobile|android)\w*|baidu(?:box|browser|hd|input)\w*",
    r"viber/|discord(?:[-/]|ptb|canary)|msn (?:\d|optim)|slack(?:[-_ ](?:ssb|desktop)|/\d)|skype for|telegram-?(?:android|ios|desktop)",
    r"\w*httpclient/\d[\d.]*$|daum(?:apps|device)|google(?:tv|app|earth)|edu_proxy|proxyless",
)
"""What the software of people says that sounds like a bot."""

_SAYS_SO: Final = _any_of(
    r"bot(?![a-z])|(?<![a-z])bot(?!tle)|bots\b|crawl|spider|spyder|slurp|scrap(?:er|ing|y)|archiv|preview|snippet|unfurl|thumbnail",
    r"screenshot|screenie|websnap|favicon|prerender|headless|phantomjs|casperjs|selenium|puppeteer|playwright|webdriver|wkhtmlto",
    r"lighthouse|page ?speed|synthetic|speedcurve|gtmetrix|\bptst\b|imgsizer|web ?cap|uptime|monitor(?:ing|s|\b)|validator|wechatdevtools",
    r"check(?:er|_|-|http)|site ?check|link ?check|scanner\b|scanning|\baudit|feedfetch|web ?fetch|fetch(?:er|or)|fetch/|indexer",
)
_CONTACT: Final = _any_of(r"https?:|\bwww\.|[\w.+-]@[a-z][\w-]*\.[a-z]|\[at\]")
_NAMED: Final = _any_of(
    # Language models and their tools.
    r"\bgpt|chatgpt|openai|anthropic|claude(?:-|bot|/)|perplexity|cohere-|mistralai|deepseek|google-extended|notebooklm|diffbot|character-ai",
    # Previews of chats, offices and social networks.
    r"meta-external|facebook(?:external|catalog|platform)|whatsapp|^telegram|skype(?:uri)|\bviber$|embedly|iframely|flipboard(?:proxy|rss)",
    r"vkshare|^pinterest/|^snapchat/|bitly|friendica|microsoft office (?:word|excel|powerpoint) \d|\) (?:word|excel|powerpoint)/1\d",
    # Search engines and advertisers' checks.
    r"google-(?:\w+-)*(?!earth)\w+|googleother|googleassociat|googleproducer|googledocs|google \(\+|mediapartners|adsbot|appengine|apis-google",
    r"bing(?:bot|preview)|yandex(?:bot|\.tr|direct|metrika|image|video|media)|heritrix|ahrefs|semrush|mj12|proximic|adbeat|netcraft|catchpoint",
    r"gomez|keynote|neustar|dareboost|ghost inspector|pingdom|site24x7|nagios|ruxit|dynatrace|wappalyzer|w3c_|ia_archiver|ips-agent",
    r"masscan|zgrab|nikto|sqlmap|nuclei|jndi:|dirbuster|w3af|mixed-content-scan|newrelicpinger|convertify|stumbleupon|sindup|onetrust",
)
_SUGGESTS: Final = _any_of(
    r"worm\b|scrape|fetch|harvest|index(?:er|ing)|monitor|\bping(?!uino)|check|validat|verif|scan(?:s|\b|/)|survey|research|inspect",
    r"observatory|analy[sz]|detector|sniff|probe|tester|testing|_test|benchmark|(?<!f)lint\b|watchdog|(?<!smart)[a-z]watch/|status(?:cake|\b)",
    r"diagnos|search(?!box|craft)|\bseo|seo\b|sitemap|backlink|link ?(?:valid|exam|walk|sleuth|reader|test)|copier|grab|downloader",
    r"\bfeed|feed\b|feed(?:er|parser|reader)|\brss|rss\b|rss/|reader\b|aggregat|newsgator|newsb(?:eu|oa|lu)|netnewswire|syndic|\d subscri",
    r"(?<!wap )proxy|daemon|cloud(?:flare|front)|(?<!user-)(?<!king-)agent\b|automat|webhook|import(?:er)?\b|collect|discover|mirror|server\b",
    r"(?<!com)\.(?:com|org|net|io|ai|ru)\b(?!\.)|\.php|service\b",
)
_LIBRARY: Final = _any_of(
    r"\b(?:curl|wget|httpie|libwww|lwp|urllib|requests|aiohttp|httpx|python|perl|ruby|php|java/?\d|node|axios|undici|guzzle)\b",
    r"http[-_ ]?(?:client|request|lib|kit|rs|unit|component)|httpurl|okhttp|go-http|akka-http|reqwest|faraday|mechanize|typhoeus",
    r"winhttp|wininet|powershell|postman|insomnia|jakarta|apache|ktor|\bdart\b|feign|retrofit|\bhyper/|\bureq|libsoup|\bresty|nutch",
    r"\bjdk|mojolicious|simplepie|newspaper/|\bphoton/|zend|symfony|wordpress|drupal|joomla|typo3|mediawiki|restsharp|asynchttp",
)
_COMPANY: Final = _any_of(
    r"google|yandex|baidu|sogou|yahoo|y!j|\bmsn|bing/|ask jeeves|teoma|coccoc(?!browser)|daum|duckduckgo/0|360spider|tumblr|linkedin",
    r"quora|pinterest|mastodon|pleroma|misskey|akkoma|lemmy|slack|discord|telegram|snap url|line-poker|outbrain|nuzzel|disqus|hatena",
    r"majestic|brandwatch|newrelic|datadog|zabbix|prtg|builtwith|w3c|htdig|larbin|\bnmap|nessus|openvas|censys|shodan|acunetix|burp",
    r"expanse|owasp|jorgee|evernote|instapaper|readability|wotbox|httrack|offline explorer|teleport|webzip|jetty|coldfusion|whatcms",
    r"mail\.ru|dataprovider|amazon (?:route|simple|cloud)|contype|shopify|mailchimp|kube|elb-health|\bpip/|frontpage|webdav|gitlab",
)
_PHONE: Final = _any_of(r"android|iphone|ipad|ipod|\bios\b|windows phone|midp|symbian|blackberry|\btv\b|smart-?tv|hbbtv")
_COMPATIBLE: Final = _any_of(r"\(compatible;? ?\+?([a-z0-9_!-]*)(?!.*(?:msie|palmos|symbian|amiga|haiku|risc ?os|netfront))")
_COMPATIBLE_BROWSERS: Final = frozenset(
    "msie konqueror u googletoolbar origyn wap dillo elinks netsurf webos ibrowse opera arora icab safari windows linux intel"
    " abrowse odyssey omniweb netpositive maui lotus-notes ms-office mmef20 antgalio teleca netbox windows-media-player"
    " mobile2 smartphone2 tablet2 mozilla".split()
)
_KNOWN_SYSTEM: Final = _any_of(
    r"^\"?mozilla/(?:[1-4]|5\.0 *(?:\(|linux|x11|windows|macintosh|iphone|android|applewebkit|gecko))|^opera|^firefox|^ucweb|^lynx|^links",
    r"^w3m|^elinks|browser|mosaic|netscape|explorer|dalvik|android|iphone|ipad|ipod|\bios\b|darwin|cfnetwork|windows|win10|win32|macintosh",
    r"mac ?os|macbook|\bosx|linux|x11|amiga|beos|risc os|freebsd|j2me|midp|cldc|up\.browser|wap|maui|brew|obigo|nucleus|symbian|palm|psion",
    r"tizen|portalmmm|netfront|docomo|j-phone|kddi|softbank|vodafone|nokia|samsung|blackberry|\blge?[-/]?[a-z]{0,2}\d|\bmot-|ericsson|\bhtc",
    r"motorola|\bsie-|\bsec-|\bsch-|\bzte|huawei|lenovo|alcatel|philips|sharp|panasonic|sanyo|sagem|micromax|karbonn|spice|ktouch|bird",
    r"playstation|nintendo|xbox|segasaturn|\btv|tv\b|smarttv|dtv|roku|watch|vlc/|amazon;|sonos|hybridcast|\biph\d|fban|instagram|spotify",
    r"player|itunes|quicktime|dillo|icab|omniweb|konqueror|netsurf|vimprob|arachne|galaxy|outlook|office/|onenote|wireshark|intellij|sm-[a-z]\d{3}",
)


def is_bot(user_agent: str) -> bool:
    """Say whether a User-Agent belongs to no person; the empty one does not. Any string has an answer."""
    ua = _PERSONAL.sub(" ", user_agent[:512].lower())
    if _SAYS_SO.search(ua) or _NAMED.search(ua) or _CONTACT.search(ua) or _compatible_with_stranger(ua):
        return True
    if _PHONE.search(ua):
        return False
    return bool(_SUGGESTS.search(ua) or _LIBRARY.search(ua) or _COMPANY.search(ua) or not _KNOWN_SYSTEM.search(ua))


def _compatible_with_stranger(ua: str) -> bool:
    match = _COMPATIBLE.search(ua)
    return match is not None and match[1] not in _COMPATIBLE_BROWSERS
