"""Headers say what a visitor holds in the hand, as far as headers can."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.device import DEVICES, OSES, Agent, ClientHints, classify
from shared.mainstream import recognise
from tests.shared.agents import (
    CHROME,
    CHROME_ON_LINUX,
    CHROME_ON_MAC,
    SAFARI_ON_IPHONE,
    chrome_on_android,
    names,
    no_names,
    recorded,
)

NO_HINTS = ClientHints()


def device(user_agent: str, hints: ClientHints = NO_HINTS) -> str:
    return classify(user_agent, hints, names).device


def os(user_agent: str, hints: ClientHints = NO_HINTS) -> str:
    return classify(user_agent, hints, names).os


@pytest.mark.parametrize("row", [pytest.param(row, id=row["ua"][:60]) for row in recorded() if not row["bot"]])
def test_recorded_visitors_are_what_they_were(row: dict[str, Any]) -> None:
    agent = classify(row["ua"], NO_HINTS, names)

    assert (agent.device, agent.os, agent.bot) == (row["device"], row.get("os", agent.os), False)


class TestMainstream:
    def test_needs_no_names(self) -> None:
        def unasked(user_agent: str) -> tuple[str, str]:
            raise AssertionError(user_agent)

        assert classify(CHROME, NO_HINTS, unasked) == Agent("desktop", "windows", "Chrome", False)
        assert classify(SAFARI_ON_IPHONE, NO_HINTS, unasked) == Agent("mobile", "ios", "Mobile Safari", False)

    @pytest.mark.parametrize("row", [pytest.param(row, id=row["ua"][:60]) for row in recorded()])
    def test_calls_browsers_as_ua_parser_does(self, row: dict[str, Any]) -> None:
        known = recognise(row["ua"])

        assert known is None or known[0].browser == names(row["ua"])[1]

    def test_is_most_of_the_recorded_traffic(self) -> None:
        traffic = [row["ua"] for row in recorded() if row["source"] == "intoli"]

        assert sum(recognise(ua) is not None for ua in traffic) > 0.7 * len(traffic)

    def test_ends_where_an_unknown_word_stands(self) -> None:
        assert recognise(CHROME) is not None
        assert recognise(CHROME + " Googlebot/2.1") is None
        assert recognise(CHROME.replace("Win64", "ARM")) is None


class TestAndroidModels:
    @pytest.mark.parametrize(
        "model",
        [
            "SM-T510",
            "SM-X700",
            "SAMSUNG SM-T225",
            "KFTRWI",
            "Lenovo TB-X606F",
            "AGS3-W09",
            "Nexus 7",
            "Xiaomi Pad 6",
            "23073RPBFG",
            "OPD2203",
            "PMT3118_3G",
            "Lenovo YT-X705F",
            "100135924",
            "IdeaTab A1000",
            "MID1024",
        ],
    )
    @pytest.mark.parametrize("mobile", [True, False], ids=["says Mobile", "does not"])
    def test_tablets_are_tablets_whatever_they_say(self, model: str, mobile: bool) -> None:
        assert device(chrome_on_android(model, mobile=mobile)) == "tablet"

    @pytest.mark.parametrize(
        "model",
        ["SM-S918B", "SM-A546E", "Pixel 8", "Redmi Note 12", "2201117TG", "CPH2451", "VOG-L29", "moto g(9)", "K"],
    )
    def test_phones_are_mobile(self, model: str) -> None:
        assert device(chrome_on_android(model)) == "mobile"

    @pytest.mark.parametrize("model", ["SM-S918B", "Redmi Note 12", "CPH2451"])
    def test_known_phones_are_mobile_without_saying_so(self, model: str) -> None:
        assert device(chrome_on_android(model, mobile=False)) == "mobile"

    @pytest.mark.parametrize(
        "model",
        [
            "BRAVIA 4K UR2",
            "43U750TS",
            "HTY-55UHD11B-S2",
            "MiTV-MOOR4",
            "X96mini",
            "TV BOX",
            "Chromecast HD",
            "AFTMM",
            "SHIELD Android TV",
            "SM-R905F",
            "TicWatch Pro 5",
        ],
    )
    def test_screens_and_watches_are_other(self, model: str) -> None:
        assert device(chrome_on_android(model, mobile=False)) == "other"

    def test_an_unknown_model_is_what_it_says(self) -> None:
        assert device(chrome_on_android("Qwertz 9000")) == "mobile"
        assert device(chrome_on_android("Qwertz 9000", mobile=False)) == "tablet"

    def test_software_that_never_says_mobile_is_on_a_phone(self) -> None:
        assert device("Dalvik/2.1.0 (Linux; U; Android 9; Qwertz 9000 Build/PPR1)") == "mobile"
        assert device("Dalvik/2.1.0 (Linux; U; Android 9; SM-T510 Build/PPR1)") == "tablet"

    def test_a_pc_under_android_is_a_desktop(self) -> None:
        assert device(chrome_on_android("Acer Chromebook 15", mobile=False)) == "desktop"


class TestApple:
    def test_an_ipad_in_desktop_mode_cannot_be_told_from_a_mac(self) -> None:
        safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "

        assert device(safari + "Version/17.3 Safari/605.1.15") == "desktop"

    @pytest.mark.parametrize("browser", ["CriOS/126.0.6478.54", "FxiOS/127.0", "EdgiOS/126.0.2592.56"])
    def test_but_other_browsers_of_ios_give_it_away(self, browser: str) -> None:
        safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "

        assert device(f"{safari}{browser} Mobile/15E148 Safari/605.1.15") == "tablet"

    @pytest.mark.parametrize(
        ("user_agent", "expected"),
        [
            pytest.param("Shop/4.2 (iPhone; iOS 17.3; Scale/3.00)", ("mobile", "ios"), id="app on an iPhone"),
            pytest.param("Shop/4 CFNetwork/1410.1 Darwin/22.6.0", ("mobile", "ios"), id="app of unknown hardware"),
            pytest.param("Shop/4 CFNetwork/978 Darwin/18.7.0 (x86_64)", ("desktop", "macos"), id="app on a Mac"),
            pytest.param("AppleCoreMedia/1.0 (Apple TV; U; CPU OS 14_0 like Mac OS X)", ("other", "other"), id="tv"),
        ],
    )
    def test_apps_say_where_they_run(self, user_agent: str, expected: tuple[str, str]) -> None:
        assert (device(user_agent), os(user_agent)) == expected


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        pytest.param(
            "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 650) AppleWebKit/537.36 "
            "(KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063",
            ("mobile", "other"),
            id="Windows Phone, which names Android",
        ),
        pytest.param(CHROME.replace("x64)", "x64; Xbox; Xbox One)"), ("other", "windows"), id="Xbox"),
        pytest.param(
            "Mozilla/5.0 (X11; U; Linux x86_64; en-US) AppleWebKit/534.35 (KHTML, like Gecko) "
            "Chrome/11.0.696.65 Safari/534.35 Puffin/2.9174IP",
            ("mobile", "ios"),
            id="Puffin on an iPhone",
        ),
        pytest.param(
            "HS-T830_TD/1.0 Android/2.3 Release/09.27.2012 Browser/AppleWebKit533.1 Profile/MIDP-2.0",
            ("mobile", "android"),
            id="a telephone that calls itself in the old way",
        ),
        pytest.param(
            "COSHIP F2/1.0 Android/4.3 Release/JLS36C Browser/AppleWebKit534.30",
            ("mobile", "android"),
            id="another one, with a newer Android",
        ),
        pytest.param("", ("desktop", "other"), id="nothing"),
    ],
)
def test_names_that_mislead(user_agent: str, expected: tuple[str, str]) -> None:
    assert (device(user_agent), os(user_agent)) == expected


class TestClientHints:
    @pytest.mark.parametrize(
        ("user_agent", "hints"),
        [
            pytest.param(CHROME, ClientHints("?0", '"Windows"'), id="desktop"),
            pytest.param(chrome_on_android("K"), ClientHints("?1", '"Android"'), id="phone"),
            pytest.param(chrome_on_android("K", mobile=False), ClientHints("?0", '"Android"'), id="tablet"),
            pytest.param(CHROME, ClientHints("yes", '"Amiga"', "big"), id="nonsense"),
            pytest.param(SAFARI_ON_IPHONE, ClientHints("?1", '""'), id="empty platform"),
        ],
    )
    def test_that_agree_or_mean_nothing_change_nothing(self, user_agent: str, hints: ClientHints) -> None:
        assert classify(user_agent, hints, names) == classify(user_agent, NO_HINTS, names)

    def test_a_computer_that_poses_as_a_phone_is_a_desktop(self) -> None:
        agent = classify(chrome_on_android("Nexus 5X"), ClientHints("?0", '"Linux"'), names)

        assert agent.device == "desktop"

    def test_a_desktop_that_is_mobile_is_mobile(self) -> None:
        assert device(CHROME_ON_LINUX, ClientHints("?1", '"Android"')) == "mobile"

    def test_a_desktop_on_android_that_is_not_mobile_is_a_tablet(self) -> None:
        assert device(CHROME_ON_LINUX, ClientHints("?0", '"Android"')) == "tablet"

    def test_a_phone_unfolded_to_a_tablet_is_one(self) -> None:
        unfolded = chrome_on_android("SM-F946B", mobile=False)

        assert device(unfolded) == "mobile"
        assert device(unfolded, ClientHints("?0", '"Android"')) == "tablet"

    def test_a_television_stays_one(self) -> None:
        assert device(chrome_on_android("BRAVIA 4K UR2"), ClientHints("?0", '"Linux"')) == "other"

    @pytest.mark.parametrize(
        ("form_factors", "expected"),
        [
            ('"Tablet"', "tablet"),
            ('"Mobile"', "mobile"),
            ('"Desktop"', "desktop"),
            ('"XR"', "other"),
            ('"Mobile", "Watch"', "other"),
            ('"Automotive"', "other"),
            ('"EInk"', "desktop"),
        ],
    )
    def test_a_form_factor_is_believed(self, form_factors: str, expected: str) -> None:
        assert device(CHROME_ON_MAC, ClientHints(form_factors=form_factors)) == expected

    def test_the_platform_names_a_system_that_the_user_agent_does_not(self) -> None:
        assert os("Shop/4.2", ClientHints(platform='"Chrome OS"')) == "chromeos"
        assert os(CHROME, ClientHints(platform='"Linux"')) == "windows"


class TestAnyInput:
    @given(st.text(max_size=700), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
    def test_has_an_answer(self, user_agent: str, mobile: str, platform: str, form_factors: str) -> None:
        agent = classify(user_agent, ClientHints(mobile, platform, form_factors), no_names)

        assert agent.device in DEVICES
        assert agent.os in OSES

    @given(st.lists(st.sampled_from([*CHROME.split(), "Android", "İ", "Mobile;", "(compatible;", "-_50u12a"])))
    def test_made_of_words_of_browsers_has_an_answer(self, words: list[str]) -> None:
        assert classify(" ".join(words), NO_HINTS, no_names).device in DEVICES

    def test_counts_to_512_characters(self) -> None:
        assert device("x" * 512 + "iPhone") == "desktop"
        assert device("x" * 500 + " iPhone") == "mobile"

    def test_names_are_asked_about_no_more_than_that(self) -> None:
        asked: list[str] = []

        def remember(user_agent: str) -> tuple[str, str]:
            asked.append(user_agent)
            return "", ""

        classify("x" * 9999, NO_HINTS, remember)

        assert asked == ["x" * 512]

    def test_a_long_browser_name_is_cut(self) -> None:
        assert classify("Shop/1", NO_HINTS, lambda ua: ("", "n" * 99)).browser == "n" * 64
