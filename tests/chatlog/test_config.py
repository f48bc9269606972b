from __future__ import annotations

from pathlib import Path

import pytest

from chatlog import ConfigurationError, open_store
from chatlog.config import StoreSettings, max_throughput_from_env

COSMOS = {"COSMOSDB_ENDPOINT": "https://account.documents.azure.com:443/", "COSMOSDB_KEY": "c2VjcmV0"}


def test_without_settings_it_is_a_file_in_the_data_folder() -> None:
    assert StoreSettings.from_env({}).sqlite_path == Path("data/chatlog.sqlite3")
    assert StoreSettings.from_env({"CHATLOG_DATA_DIR": "elsewhere", "COSMOSDB_ENDPOINT": " "}).sqlite_path.parent == Path(
        "elsewhere"
    )


def test_an_endpoint_means_cosmos_db() -> None:
    cosmos = StoreSettings.from_env(COSMOS | {"TIME_ZONE": "Asia/Tokyo"}).cosmos
    assert cosmos is not None
    assert (cosmos.key, cosmos.database_name, cosmos.container_name) == ("c2VjcmV0", "chatlog", "sessions")
    assert str(cosmos.naive_zone) == "Asia/Tokyo"


def test_the_key_is_not_shown() -> None:
    assert "c2VjcmV0" not in repr(StoreSettings.from_env(COSMOS))


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"COSMOSDB_ENDPOINT": "account"}, "overview"),
        ({"COSMOSDB_ENDPOINT": "http://account.documents.azure.com"}, "unencrypted"),
        ({"COSMOSDB_EMULATOR": "perhaps"}, "Use 1 or 0"),
        ({"TIME_ZONE": "Mars/Base"}, "Asia/Tokyo"),
    ],
)
def test_nonsense_is_refused_with_a_hint(change: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        StoreSettings.from_env(COSMOS | change)


@pytest.mark.parametrize("location", ["postgres://x", "file.sqlite3", "sqlite:///", ""])
def test_a_location_that_names_no_store_is_refused(location: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///"):
        open_store(location)


def test_what_is_dear_is_a_whole_number_of_request_units() -> None:
    limits = [StoreSettings.from_env(COSMOS | {"CHATLOG_WARN_ABOVE_RU": text}).cosmos for text in ("", "1", " 750 ")]
    assert [cosmos and cosmos.warn_above for cosmos in limits] == [500, 1, 750]
    for nonsense in ("0", "-1", "1.5", "nan", "1" * 10, "٣"):
        with pytest.raises(ConfigurationError, match="CHATLOG_WARN_ABOVE_RU"):
            StoreSettings.from_env(COSMOS | {"CHATLOG_WARN_ABOVE_RU": nonsense})


def test_the_most_throughput_is_a_bounded_whole_number() -> None:
    assert [max_throughput_from_env({"CHATLOG_MAX_THROUGHPUT": text}) for text in ("", "400", "1000000")] == [1000, 400, 10**6]
    for nonsense in ("399", "1000001", "-400", "4e3", "nan", "9" * 5000, "٤٠٠"):
        with pytest.raises(ConfigurationError, match="CHATLOG_MAX_THROUGHPUT"):
            max_throughput_from_env({"CHATLOG_MAX_THROUGHPUT": nonsense})
