"""Similarity: sentences in, squares of numbers out; nothing is sent twice, and what is not to be trusted says so."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.cli.world import eventually
from tests.workbench.opening import BOTH, housed, sound, text_of, visit
from tramite.errors import BadReply
from tramite.providers.embedded import package
from tramite.replies import EmbeddingReply
from tramite.simulator import Simulator
from tramite.workbench.access import Access
from tramite.workbench.house import house
from tramite.workbench.language import Language, words
from tramite.workbench.similarity import asking, choosing, examples, heatmap, measures, sentences
from tramite.workbench.ui import markdown

ENGLISH, PESCA = examples.EXAMPLES[0], examples.EXAMPLES[1]
ASKED = asking.Question(texts=("a cat", "a kitten", "a car"), target="sim/ok")


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with housed(monkeypatch) as running:
        yield running


@pytest.fixture
def _no_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PACKAGE", "a_package_that_nobody_has")


def compare(at: AppTest, text: str | None = None) -> AppTest:
    if text is not None:
        at.text_area(key="similarity.text").set_value(text)
    return sound(at.button(key="similarity.compute").click().run())


def with_model(at: AppTest, provider: str, model: str) -> AppTest:
    at.selectbox(key="similarity.provider").set_value(provider).run()
    at.selectbox(key=f"similarity.model.{provider}").set_value(model)
    return sound(at.run())


def test_sentences_are_lines_and_what_is_too_much_is_counted() -> None:
    assert sentences.read(" a \n\n\t\nb\na\n").kept == ("a", "b", "a")
    many = sentences.read("\n".join(f"sentence {number}" for number in range(250)))
    assert (len(many.kept), many.kept[0], many.beyond) == (200, "sentence 0", 50)
    assert sentences.read("") == sentences.Sentences(())


def test_long_sentences_are_shortened_and_no_two_labels_are_the_same() -> None:
    assert sentences.labels(["a" * 40, "b", "b"], 5) == ["1  aaaa…", "2  b", "3  b"]


@pytest.mark.parametrize("example", examples.EXAMPLES, ids=lambda one: one.name)
def test_every_example_has_its_word_in_each_sentence_and_two_meanings_at_least(example: examples.Example) -> None:
    stems = [word[:4].lower() for word in example.name.split(" / ")]
    assert all(any(stem in text.lower() for stem in stems) for text in example.texts)
    assert len(example.meanings) > 1
    assert len(example.groups) == len(example.texts)
    assert examples.of(example.texts) is example


def test_italian_is_doubted_where_the_model_knows_english_alone_and_the_demo_always() -> None:
    assert choosing.doubt("embedded/all-minilm-l6-v2", ENGLISH.texts) == ""
    for example in examples.EXAMPLES[1:]:
        assert choosing.doubt("embedded/all-minilm-l6-v2", example.texts) == "english"
        assert choosing.doubt("ollama/all-minilm:latest", example.texts) == "english"
        assert choosing.doubt("openai/text-embedding-3-small", example.texts) == ""
    assert choosing.doubt("demo/hash", ENGLISH.texts) == "demo"


@pytest.mark.usefixtures("sim")
def test_a_multilingual_model_is_found_where_its_key_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choosing.multilingual(house()) is None
    assert choosing.multilingual(house(), ["openai"]) == ("openai", "text-embedding-3-small")


def test_a_multilingual_model_of_a_local_server_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Simulator.in_thread(models=("nomic-embed-text", "bge-m3:latest")) as local,
        housed(monkeypatch, f'[providers.llamafile]\nbase_url = "{local.base_url}"\n'),
    ):
        config = house().config
        config.providers["ollama"] = config.providers["llamafile"]
        house().models.of(Access(provider="ollama"), 10.0)
        assert choosing.multilingual(house(), ["openai"]) == ("ollama", "bge-m3:latest")


@pytest.mark.usefixtures("sim", "_no_embedded_model")
def test_where_no_embedded_model_is_installed_the_demo_is_the_first_choice() -> None:
    assert choosing.first(house()) == choosing.DEMO


@pytest.mark.usefixtures("sim")
def test_a_provider_s_answer_is_compared_with_its_facts() -> None:
    answer = asking.ask(house(), Access(provider="sim"), ASKED).result(10)
    assert answer.nearness.cosine.shape == (3, 3)
    assert (answer.target, answer.width) == ("sim/ok", 64)
    assert answer.facts["usage"]["input_tokens"] > 0
    assert answer.facts["cost_nanousd"] is None


def test_stopping_ends_the_request_at_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    with housed(monkeypatch, latency_s=60.0) as slow:
        future = asking.ask(house(), Access(provider="sim"), ASKED)
        eventually(lambda: bool(slow.log()))
        assert future.cancel()
        eventually(lambda: slow.log()[0].outcome == "gone")


def test_vectors_that_cannot_be_compared_are_no_answer() -> None:
    for vectors in ([[1.0, 2.0], [1.0], [2.0, 3.0]], [[1.0, 2.0]]):
        with pytest.raises(BadReply):
            asking.read(ASKED, EmbeddingReply(vectors=vectors))


def test_a_file_has_the_sentences_at_both_sides_and_no_number_where_there_is_none() -> None:
    found = measures.nearness([[0.0, 0.0], [1.0, 0.0]])
    rows = list(csv.reader(io.StringIO(heatmap.csv_of(["zero, zero", "one"], found, "cosine").decode("utf-8-sig"))))
    assert rows == [["cosine", "zero, zero", "one"], ["zero, zero", "", ""], ["one", "", "1.0"]]


def test_small_squares_show_their_numbers_and_large_ones_do_not() -> None:
    titles = heatmap.Titles("Cosine", "Sentence", "and", {one: one for one in measures.MEASURES})
    for count, layers in ((2, 2), (40, 1)):
        found = measures.nearness([[1.0, float(number)] for number in range(count)])
        chart = heatmap.chart([f"sentence {number}" for number in range(count)], found, "euclidean", titles).to_dict()
        assert len(chart["layer"]) == layers
        data = chart["datasets"].values()
        assert max(map(len, data)) == count * count


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim")
def test_the_english_example_runs_as_it_stands_and_its_meanings_lie_apart(language: Language) -> None:
    at, t = visit("similarity", language), words(language)
    compare(at)
    shown = text_of(at)
    assert "6 of 6" in shown or "6 su 6" in shown
    assert markdown.plain("embedded/all-minilm-l6-v2") in shown
    assert t("similarity.doubt_english") not in shown
    nearest = at.dataframe[-1].value
    assert nearest.iloc[0].tolist()[1] == ENGLISH.texts[2]


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim")
def test_an_italian_example_with_the_english_model_says_that_it_is_not_to_be_trusted(language: Language) -> None:
    at, t = visit("similarity", language), words(language)
    at.button(key="similarity.example.pesca").click().run()
    assert at.text_area(key="similarity.text").value == "\n".join(PESCA.texts)
    assert any("paraphrase-multilingual" in one.value for one in at.warning)
    compare(at)
    assert t("similarity.doubt_english") in [one.value for one in at.warning]
    assert t("similarity.chance") in text_of(at)


def test_an_example_chooses_the_multilingual_model_that_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with (
        Simulator.in_thread() as openai,
        housed(monkeypatch, f'[providers.openai]\nbase_url = "{openai.base_url}"\napi_key = "env:OPENAI_API_KEY"\n'),
    ):
        at = visit("similarity")
        at.button(key="similarity.example.riso").click().run()
        sound(at)
        assert at.selectbox(key="similarity.provider").value == "openai"
        assert at.selectbox(key="similarity.model.openai").value == "text-embedding-3-small"
        at.button(key="similarity.example.bank").click().run()
        assert at.selectbox(key="similarity.provider").value == "embedded"


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.usefixtures("sim", "_no_embedded_model")
def test_the_demo_says_that_no_model_is_behind_it(language: Language) -> None:
    at, t = visit("similarity", language), words(language)
    assert t("similarity.demo") in text_of(at)
    assert t("similarity.doubt_demo") in text_of(compare(at))


def test_the_same_question_is_sent_once_whatever_is_clicked_on(sim: Simulator) -> None:
    at = with_model(visit("similarity"), "sim", "ok")
    compare(at, "one\ntwo")
    at.button_group(key="similarity.measure").set_value("euclidean").run()
    at.selectbox(key="similarity.chosen").set_value(1).run()
    compare(at, "one\nthree")
    assert len([one for one in sim.log() if one.kind == "embedding"]) == 2
    at.text_area(key="similarity.text").set_value("one\ntwo").run()
    assert words("en")("similarity.outdated") in text_of(at)
    compare(at)
    assert words("en")("similarity.outdated") not in text_of(at)
    assert len([one for one in sim.log() if one.kind == "embedding"]) == 2


@pytest.mark.parametrize("language", BOTH)
def test_a_failure_is_told_and_asking_again_asks_again(language: Language, sim: Simulator) -> None:
    at, t = visit("similarity", language), words(language)
    at.selectbox(key="similarity.provider").set_value("wrong").run()
    compare(at, "one\ntwo")
    assert t("errors.AuthenticationFailed") in [one.value for one in at.error]
    assert at.text_area(key="similarity.text").value == "one\ntwo"
    with_model(at, "sim", "ok")
    compare(at)
    assert not at.error
    assert "sim/ok" in text_of(at)


@pytest.mark.usefixtures("sim")
def test_too_few_and_too_many_sentences_are_told() -> None:
    at, t = visit("similarity"), words("en")
    compare(at, "only one\n\n")
    assert t("similarity.too_few") in [one.value for one in at.warning]
    at.text_area(key="similarity.text").set_value("\n".join(f"sentence {n}" for n in range(203))).run()
    assert t("similarity.beyond", most=200, count=3) in [one.value for one in at.warning]


def test_equal_sentences_and_markdown_in_them_are_compared_as_they_are(sim: Simulator) -> None:
    at = with_model(visit("similarity"), "sim", "ok")
    compare(at, "**same** <b>one</b>\n**same** <b>one</b>\n=1+1")
    nearest = at.dataframe[-1].value
    assert nearest.iloc[0].tolist()[:2] == [1.0, "**same** <b>one</b>"]
