"""The cache: bounded, shared tables, second chances."""

import pytest

from edge.rules.cache import ABSENT, Cache, Entry, OfferTable
from shared.key import Key
from shared.pointer import Pointer
from shared.wire import Version
from tests.builders import offer, table

V1, V2 = Version(1, 1), Version(1, 2)


def home(slug: str = "saas", raw: bytes = b"raw") -> OfferTable:
    return OfferTable(f"o_{slug}", table(offer(slug)), V1, raw)


def put(cache: Cache, slug: str, of: OfferTable | None = None) -> Entry:
    of = of or cache.table_of("o_saas") or home()
    return cache.put(Key("_", slug), Pointer(of.offer), V1, of)


def test_an_entry_is_found_until_it_is_removed() -> None:
    cache = Cache()
    entry = put(cache, "a")

    assert cache.lookup(Key("_", "a")) is entry
    assert cache.lookup(Key("go.example.com", "a")) is None
    cache.remove(Key("_", "a"))
    assert cache.lookup(Key("_", "a")) is None
    assert (len(cache), cache.tables) == (0, 0)


def test_an_entry_built_by_hand_has_a_table_of_its_own() -> None:
    entry = Entry(Key("_", "a"), Pointer("o_saas"), V1, table(), V2)

    assert entry.home.table is entry.table
    assert entry.version == V2


def test_a_new_table_serves_all_links_of_its_offer_by_new_entries() -> None:
    cache, of = Cache(), home()
    before = [put(cache, slug, of) for slug in "ab"]
    before[0].memo = "made of the old table"
    new = table(offer(revision=8))
    cache.put_table(of, new, V2, b"newer")
    after = [cache.lookup(Key("_", slug)) for slug in "ab"]

    assert [entry.table for entry in after if isinstance(entry, Entry)] == [new, new]
    assert [entry.memo for entry in after if isinstance(entry, Entry)] == [None, None]
    assert [entry.old_memo for entry in after if isinstance(entry, Entry)] == ["made of the old table", None]
    assert cache.lookup(Key("_", "a")) is after[0]


def test_links_of_a_deleted_offer_are_gone_at_once() -> None:
    cache, of = Cache(), home()
    put(cache, "a", of)
    cache.remove_table(of)

    assert cache.lookup(Key("_", "a")) is None
    assert cache.table_of("o_saas") is None
    assert len(cache) == 0


def test_a_link_that_moves_lets_go_of_its_old_offer() -> None:
    cache = Cache()
    put(cache, "a", home("one"))
    put(cache, "a", home("two"))

    assert (cache.table_of("o_one"), cache.tables, len(cache)) == (None, 1, 1)


def test_a_full_cache_gives_a_second_chance_to_what_was_looked_up() -> None:
    cache = Cache(max_links=3)
    for slug in "abc":
        put(cache, slug)
    cache.lookup(Key("_", "a"))
    put(cache, "d")

    assert [cache.lookup(Key("_", slug)) is not None for slug in "abcd"] == [True, False, True, True]


def test_an_insert_into_a_cache_where_all_is_used_still_evicts() -> None:
    cache = Cache(max_links=500)
    for n in range(500):
        put(cache, f"s{n}")
        cache.lookup(Key("_", f"s{n}"))
    for n in range(500, 2_000):
        put(cache, f"s{n}")
        cache.lookup(Key("_", f"s{n}"))

    assert len(cache) == 500
    assert cache.lookup(Key("_", "s1999")) is not None


def test_removed_and_returning_links_do_not_grow_the_clock() -> None:
    cache = Cache(max_links=4)
    for n in range(100):
        slug = f"s{n % 6}"
        put(cache, slug)
        if n % 3 == 0:
            cache.remove(Key("_", slug))

    assert len(cache) <= 4
    assert len(cache._ring) <= 4


def test_tables_that_weigh_too_much_push_out_links() -> None:
    cache = Cache(max_links=100, max_table_bytes=1_000)
    for n in range(20):
        put(cache, f"s{n}", home(f"of{n}", raw=b"x" * 300))

    assert len(cache) == cache.tables == 3
    assert cache.lookup(Key("_", "s19")) is not None


def test_an_absence_gives_way_to_a_link_to_time_and_to_newer_ones() -> None:
    cache = Cache(max_absences=2)
    for n, slug in enumerate("abc"):
        cache.put_absent(Key("_", slug), until_s=10.0 + n)
    assert [cache.lookup(Key("_", slug)) for slug in "abc"] == [None, ABSENT, ABSENT]

    cache.expire_absences(11.0)
    assert [cache.lookup(Key("_", slug)) for slug in "bc"] == [None, ABSENT]
    put(cache, "c")
    assert cache.absences == 0

    cache.put_absent(Key("_", "d"), until_s=99.0)
    cache.remove_absent(Key("_", "d"))
    cache.put_absent(Key("_", "e"), until_s=99.0)
    cache.clear_absences()
    assert cache.lookup(Key("_", "d")) is cache.lookup(Key("_", "e")) is None


def test_a_million_unknown_slugs_leave_a_bounded_number_behind() -> None:
    cache = Cache(max_absences=1_000)
    for n in range(1_000_000):
        cache.put_absent(Key("_", f"{n}"), float(n))

    assert cache.absences == 1_000
    assert len(cache) == len(cache._ring) == 0


@pytest.mark.parametrize("used", [True, False], ids=["used", "not used"])
def test_peeking_is_not_using(used: bool) -> None:
    cache, of = Cache(), home()
    entry = put(cache, "a", of)
    entry.used = used
    cache.put_table(of, table(offer(revision=8)), V2, b"newer")
    renewed = cache.peek(Key("_", "a"))

    assert renewed is not None
    assert renewed is not entry
    assert renewed.used is used


def test_absent_says_what_it_is() -> None:
    assert repr(ABSENT) == "ABSENT"
