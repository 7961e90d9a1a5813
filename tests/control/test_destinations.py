"""What a destination may be: read as a browser reads it, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.destinations import FinalUrl, InvalidUrl, UrlRules, finalise
from shared.destination import MACROS, Destination

RULES = UrlRules(app_schemes=("itms-apps", "market", "tel"))


def code_of(typed: str, rules: UrlRules = RULES) -> str:
    with pytest.raises(InvalidUrl) as caught:
        finalise(typed, rules)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(
    ("typed", "final"),
    [
        ("https://yourbrand.com", "https://yourbrand.com/"),
        ("HTTPS://YourBrand.COM/Path", "https://yourbrand.com/Path"),
        ("https://a.test:443/x", "https://a.test/x"),
        ("https://a.test:8443/x", "https://a.test:8443/x"),
        ("https://a.test/ä ?".replace(" ", "") + "q=ö#ü", "https://a.test/%C3%A4?q=%C3%B6#%C3%BC"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://例え.jp", "https://xn--r8jz45g.jp/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://a.test/%7Bclick_id%7D", "https://a.test/%7Bclick_id%7D"),
        ("https://a.test/{sub1}/../{sub2}?c={click_id}#{rule}", "https://a.test/{sub2}?c={click_id}#{rule}"),
        ("https://a.test?{click_id}", "https://a.test/?{click_id}"),
        ("https://a.test/tnmacro0z/{click_id}", "https://a.test/tnmacro0z/{click_id}"),
        ('https://a.test/?q={"a":1}', "https://a.test/?q={%22a%22:1}"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x"),
        ("http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
        ("https://my_site.example/", "https://my_site.example/"),
        ("itms-apps://itunes.apple.com/app/{sub1}", "itms-apps://itunes.apple.com/app/{sub1}"),
        ("market://details?id=com.example", "market://details?id=com.example"),
        ("tel:+15550100", "tel:+15550100"),
    ],
)
def test_a_destination_becomes_what_a_browser_opens(typed: str, final: str) -> None:
    assert finalise(typed, RULES).url == final


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        pytest.param("https:\\\\evil.com/", "url_character", id="backslashes for slashes"),
        pytest.param("https://good.com\\@evil.com/", "url_character", id="backslash before userinfo"),
        pytest.param("https:evil.com", "url_host", id="no slashes"),
        pytest.param("https:/evil.com", "url_host", id="one slash"),
        pytest.param("https:///evil.com", "url_host", id="three slashes"),
        pytest.param("https://ex%61mple.com", "ambiguous_host", id="percent-encoded host"),
        pytest.param("https://0x7f.1/", "ambiguous_host", id="hexadecimal address"),
        pytest.param("https://2130706433/", "ambiguous_host", id="address as a number"),
        pytest.param("https://ⓔvil.com", "ambiguous_host", id="circled letter"),
        pytest.param("https://\uff45vil.com", "ambiguous_host", id="full-width letter"),
        pytest.param("https://a。b/", "ambiguous_host", id="another script's dot"),
        pytest.param("https://exa\u00admple.com/", "ambiguous_host", id="soft hyphen"),
        pytest.param("java\nscript:alert(1)", "url_character", id="line feed in the scheme"),
        pytest.param(" https://a.test", "url_character", id="leading space"),
        pytest.param("\x01https://a.test", "url_character", id="leading control character"),
        pytest.param("https://a.test/\r\nSet-Cookie: a=b", "url_character", id="header injection"),
        pytest.param("https://a.test/\x7f", "url_character", id="delete"),
        pytest.param("https://a.test/\t", "url_character", id="tab"),
        pytest.param("javascript:alert(1)", "url_scheme", id="javascript"),
        pytest.param("JavaScript:alert(1)", "url_scheme", id="javascript in another case"),
        pytest.param("data:text/html,x", "url_scheme", id="data"),
        pytest.param("vbscript:x", "url_scheme", id="vbscript"),
        pytest.param("blob:https://a.test/1", "url_scheme", id="blob"),
        pytest.param("file:///etc/passwd", "url_scheme", id="file"),
        pytest.param("about:blank", "url_scheme", id="about"),
        pytest.param("view-source:https://a.test", "url_scheme", id="view-source"),
        pytest.param("intent://x#Intent;end", "url_scheme", id="intent"),
        pytest.param("mailto:a@b.test", "url_scheme", id="a scheme nobody allowed"),
        pytest.param("https://user@a.test/", "url_userinfo", id="user"),
        pytest.param("https://user:pass@a.test/", "url_userinfo", id="user and password"),
        pytest.param("https://{country}.a.test/", "macro_place", id="macro in the host"),
        pytest.param("https://a.test:{sub1}/", "macro_place", id="macro in the port"),
        pytest.param("{sub1}://a.test/", "url_not_absolute", id="macro for the scheme"),
        pytest.param("https://a.test/{foo}", "unknown_macro", id="unknown macro"),
        pytest.param("https://a.test/{}", "unknown_macro", id="empty macro"),
        pytest.param("https://a.test:99999/", "invalid_url", id="port out of range"),
        pytest.param("https://a b.test/", "url_character", id="space in the host"),
        pytest.param("https://a<b.test/", "invalid_url", id="forbidden host character"),
        pytest.param("https://[::1/", "invalid_url", id="broken address"),
        pytest.param("//a.test/", "url_not_absolute", id="no scheme"),
        pytest.param("/path", "url_not_absolute", id="only a path"),
        pytest.param("", "url_not_absolute", id="nothing"),
        pytest.param("https://a.test/" + "x" * 2048, "url_too_long", id="too long"),
        pytest.param("https://a.test/" + "ä" * 1000, "url_too_long", id="too long once encoded"),
        pytest.param("https://a.test/\ud800", "invalid_url", id="lone surrogate"),
    ],
)
def test_what_no_visitor_must_be_sent_to_is_refused(typed: str, code: str) -> None:
    assert code_of(typed) == code


def test_an_app_scheme_needs_to_be_allowed() -> None:
    assert code_of("market://details?id=a", UrlRules()) == "url_scheme"


def test_where_nobody_has_clicked_there_are_no_macros() -> None:
    assert code_of("https://a.test/{click_id}", UrlRules(macros=False)) == "macro_place"


@pytest.mark.parametrize("macro", MACROS)
def test_every_macro_is_put_back(macro: str) -> None:
    assert finalise(f"https://a.test/?x={{{macro}}}", RULES).url == f"https://a.test/?x={{{macro}}}"


def test_host_and_port_are_told() -> None:
    assert finalise("http://Bücher.example:8080/", RULES) == FinalUrl(
        "http://xn--bcher-kva.example:8080/", "http", "xn--bcher-kva.example", "8080"
    )


@given(
    st.one_of(st.text(max_size=60), st.text(max_size=40).map("https://a.test/".__add__), st.from_regex(r"https?:.*"))
)
def test_any_text_is_refused_or_becomes_what_edges_accept(typed: str) -> None:
    try:
        final = finalise(typed, RULES)
    except InvalidUrl:
        return

    Destination(final.url)
    assert finalise(final.url, RULES).url == final.url
