"""One function says which link a request asks for, whatever a path's bytes are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.key import Key, is_slug, key_of, normalise_host, slug_of


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        pytest.param(b"/saas", "saas", id="plain"),
        pytest.param(b"/SaaS", "saas", id="case is ignored"),
        pytest.param(b"/saas/", "saas", id="a trailing slash is ignored"),
        pytest.param(b"/%73aas", "saas", id="decoded once"),
        pytest.param(b"/a-b_c9", "a-b_c9", id="dash and underscore"),
        pytest.param(b"/" + b"a" * 64, "a" * 64, id="64 characters"),
        pytest.param(b"/" + b"%61" * 64, "a" * 64, id="64 characters, all encoded"),
        pytest.param(b"/" + b"a" * 65, None, id="65 characters"),
        pytest.param(b"/", None, id="the root"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"saas", None, id="no slash"),
        pytest.param(b"//saas", None, id="two slashes in front"),
        pytest.param(b"/saas//", None, id="two slashes behind"),
        pytest.param(b"/saas%2F", None, id="an encoded slash is data"),
        pytest.param(b"/%2573aas", None, id="never decoded twice"),
        pytest.param(b"/saas%00", None, id="NUL"),
        pytest.param(b"/a/b", None, id="two segments"),
        pytest.param(b"/../saas", None, id="dots"),
        pytest.param(b"/-saas", None, id="starts with a dash"),
        pytest.param("/\u212aey".encode(), None, id="a Kelvin sign is no k"),
        pytest.param(b"/%e2%84%aaey", None, id="nor is an encoded one"),
        pytest.param(b"/saas%0d%0aX:1", None, id="header injection"),
        pytest.param(b"/saas\n", None, id="line feed at the end"),
        pytest.param(b"/%zz", None, id="broken encoding"),
    ],
)
def test_slug_of(path: bytes, slug: str | None) -> None:
    assert slug_of(path) == slug


@given(st.binary(max_size=300))
def test_any_path_is_a_slug_or_nothing(path: bytes) -> None:
    slug = slug_of(path)

    assert slug is None or (is_slug(slug) and slug_of(b"/" + slug.encode()) == slug)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("go.brand.com", "go.brand.com"),
        ("GO.Brand.com:8080", "go.brand.com"),
        ("go.brand.com.", "go.brand.com"),
        ("go.brand.com.:80", "go.brand.com"),
        ("other.com", "_"),
        ("", "_"),
        ("_", "_"),
        ("[::1]:8080", "_"),
    ],
)
def test_a_registered_host_selects_its_namespace_and_any_other_the_default(host: str, domain: str) -> None:
    assert key_of(host, b"/x", {"go.brand.com"}) == Key(domain, "x")


@given(st.text(max_size=80))
def test_normalising_a_host_twice_changes_nothing_more(host: str) -> None:
    assert key_of(host, b"/x", {normalise_host(host)}) is not None
