"""A bot is told from a person by its name, and a person is never taken for one lightly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bots import is_bot
from tests.shared.agents import CHROME, SAFARI_ON_IPHONE, chrome_on_android, recorded

IN_APP = SAFARI_ON_IPHONE.removesuffix(" Safari/604.1").replace("Version/17.3 ", "")
WEBVIEW = chrome_on_android("SM-S918B; wv")


@pytest.mark.parametrize("row", [pytest.param(row, id=row["ua"][:60]) for row in recorded()])
def test_recorded_senders_are_told_apart(row: dict[str, Any]) -> None:
    assert is_bot(row["ua"]) is row["bot"]


@pytest.mark.parametrize(
    "user_agent",
    [
        "WhatsApp/2.23.20.0 A",
        "TelegramBot (like TwitterBot)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Twitterbot/1.0",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
        "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
        "Iframely/1.3.1 (+https://iframely.com/docs/about)",
        "Snapchat/9.44.1.1 (iPhone7,2; iOS 9.3.4; gzip)",
        "Mastodon/4.2.1 (http.rb/5.1.1; +https://mastodon.example/)",
    ],
)
def test_link_previewers_are_bots(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        chrome_on_android("Nexus 5X Build/MMB29P") + " (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "ChatGPT-User/1.0",
        "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "curl/8.5.0",
        "Wget/1.21.3",
        "python-requests/2.32.3",
        "okhttp/4.12.0",
        "Go-http-client/2.0",
        "Java/17.0.9",
        "axios/1.7.2",
        "PostmanRuntime/7.39.0",
        CHROME.replace("Chrome/", "HeadlessChrome/"),
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) PhantomJS/1.9.8 Safari/534.34",
        CHROME + " PTST/240101.120000",
        "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        "Uptime-Kuma/1.23.12",
        "${jndi:ldap://example.com/a}",
        "SomethingNobodyKnows/1.0",
        "Mozilla/5.0 (compatible; SomethingNobodyKnows/1.0)",
        CHROME + " (compatible; SomethingNobodyKnows/1.0)",
        "",
        "   ",
    ],
)
def test_crawlers_libraries_and_tools_are_bots(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        IN_APP + " [FBAN/FBIOS;FBAV/450.0.0.38.108;FBBV/564431005;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.3]",
        IN_APP + " Instagram 318.0.1.22.111 (iPhone14,5; iOS 17_3; en_US; en; scale=3.00; 1170x2532; 565326190)",
        IN_APP + " Snapchat/12.70.0.32 (like Safari/8617.1.17.10.9, panda)",
        IN_APP + " [Pinterest/iOS]",
        IN_APP + " NAVER(inapp; search; 1000; 11.8.10; 12PROMAX)",
        IN_APP + " MicroMessenger/8.0.34(0x18002234) NetType/4G Language/zh_CN",
        WEBVIEW + " [Pinterest/Android]",
        WEBVIEW + " YandexSearch/8.45 YandexSearchBrowser/8.45",
        WEBVIEW + " baiduboxapp/11.0.5.12 (Baidu; P1 10)",
        WEBVIEW + " BingWeb/6.9.25207603",
        WEBVIEW + " trill_340102 musical_ly_2024 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/trill",
        "LinkedInApp/9.29.8962 (iPhone; iOS 17.3)",
        chrome_on_android("CUBOT X30"),
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; SLCC2; .NET CLR 2.0.50727)",
        "Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.13",
        CHROME + " Vivaldi/6.7",
        SAFARI_ON_IPHONE + " (Ecosia ios@10.0.6.1875)",
    ],
)
def test_people_in_apps_and_rare_browsers_are_not(user_agent: str) -> None:
    assert not is_bot(user_agent)


@given(st.text(max_size=700))
def test_any_text_has_an_answer(user_agent: str) -> None:
    assert is_bot(user_agent) in (True, False)


def test_nothing_behind_512_characters_counts() -> None:
    assert not is_bot(CHROME + " " * 512 + "Googlebot")
