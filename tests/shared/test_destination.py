"""What a Location is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destination import Destination, InvalidDestination, param_name, param_value

ID = b"id1"


def location(url: str, query: bytes = b"", macros: dict[str, str] | None = None, **flags: bool) -> str:
    return Destination(url, **flags).location(ID, query, macros or {}).decode()


@pytest.mark.parametrize(
    ("query", "added"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"utm_source=a&gclid=b%20c", "utm_source=a&gclid=b%20c&", id="bytes and order as sent"),
        pytest.param(b"via=j&sub1=x&sub5=y&click_id=z&c=1", "c=1&", id="reserved names never pass"),
        pytest.param(b"%76ia=j&c=1", "c=1&", id="however they are spelled"),
        pytest.param(b"coupon=SAVE", "coupon=SAVE&", id="coupon passes"),
        pytest.param(b"&&a=1&", "a=1&", id="empty parameters do not"),
        pytest.param(b"flag", "flag&", id="a name without value passes"),
        pytest.param(b'a="<>', "a=%22<>&", id="a raw quote is encoded"),
        pytest.param(b"a=\r\nX: 1", "a=%0D%0AX:%201&", id="no header can be injected"),
        pytest.param(b"a=1#b", "a=1%23b&", id="nor a fragment"),
    ],
)
@pytest.mark.parametrize("url", ["https://x.co/", "itms-apps://apps.apple.com/app/id1"])
def test_what_of_the_visitors_query_passes(url: str, query: bytes, added: str) -> None:
    assert location(url, query) == f"{url}?{added}click_id=id1"


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        pytest.param("https://x.co/?a=1", b"", "https://x.co/?a=1&click_id=id1", id="after own parameters"),
        pytest.param("https://x.co/?", b"", "https://x.co/?click_id=id1", id="an empty query keeps one question mark"),
        pytest.param("https://x.co/#top", b"", "https://x.co/?click_id=id1#top", id="before the fragment"),
        pytest.param("https://x.co/?k={click_id}", b"", "https://x.co/?k=id1", id="no second click id"),
        pytest.param("https://x.co/#{click_id}", b"", "https://x.co/#id1", id="nor beside one in the fragment"),
        pytest.param("https://x.co/?a=1", b"a=2&b=3", "https://x.co/?a=1&b=3&click_id=id1", id="own names win"),
        pytest.param("https://x.co/?a=1", b"%61=2&b=3", "https://x.co/?a=1&b=3&click_id=id1", id="compared decoded"),
        pytest.param("https://x.co/?%61=1", b"a=2", "https://x.co/?%61=1&click_id=id1", id="on both sides"),
    ],
)
def test_location(url: str, query: bytes, expected: str) -> None:
    assert location(url, query) == expected


def test_an_offer_can_turn_both_additions_off() -> None:
    assert location("https://x.co/", b"a=1", pass_query=False) == "https://x.co/?click_id=id1"
    assert location("https://x.co/", b"a=1", append_click_id=False) == "https://x.co/?a=1"
    assert location("https://x.co/", b"a=1", pass_query=False, append_click_id=False) == "https://x.co/"


def test_macros_are_encoded_and_empty_without_a_value() -> None:
    macros = {"partner": "jané & co/", "country": "US"}

    assert location("https://x.co/{partner}?c={country}&s={sub1}#{country}", b"", macros) == (
        "https://x.co/jan%C3%A9%20%26%20co%2F?c=US&s=&click_id=id1#US"
    )


def test_a_destination_carries_the_names_of_macro_parameters_too() -> None:
    assert location("https://x.co/?src={partner}", b"src=evil&a=1", {"partner": "j"}) == (
        "https://x.co/?src=j&a=1&click_id=id1"
    )


@pytest.mark.parametrize(
    "url",
    ["", "x.co", "https://x.co/ a", "https://x.co/\r\nA: b", "https://пример.рф/", "https://{partner}.co/", "//x.co/"],
)
def test_what_must_never_be_sent_is_refused(url: str) -> None:
    with pytest.raises(InvalidDestination):
        Destination(url)


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(["partner", "sub1"]), st.text(max_size=20)))
def test_nothing_a_visitor_sends_leaves_the_destination_or_the_header_line(
    query: bytes, macros: dict[str, str]
) -> None:
    sent = Destination("https://x.co/{partner}?s={sub1}#end").location(ID, query, macros)

    assert sent.startswith(b"https://x.co/")
    assert sent.count(b"#") == 1
    assert all(0x21 <= byte <= 0x7E for byte in sent)


@given(st.binary(max_size=200))
def test_names_and_values_of_any_bytes_can_be_read(raw: bytes) -> None:
    assert isinstance(param_name(raw), bytes)
    assert len(param_value(raw)) <= 200
