"""How near sentences are to each other: sentences and a model in, squares of numbers out. Draws."""

from __future__ import annotations

import streamlit as st

from tramite.workbench.language import Words
from tramite.workbench.ui import answer, frame, picker
from tramite.workbench.ui.picker import Picked

from . import asking, choosing, examples, results, sentences, session
from .asking import Question
from .examples import EXAMPLES, Example

PAGE = "similarity"
TEXT = f"{PAGE}.text"


def show() -> None:
    """The whole page."""
    t = frame.words()
    _seed()
    with st.sidebar:
        picked = picker.pick(PAGE, frame.home(), t, kind="embedding")
        _about_model(picked, t)
    st.title(t("frame.similarity"), anchor=False)
    st.markdown(t("similarity.about"))
    _examples(t)
    question = _question(picked, t)
    going = session.running()
    state = st.container()
    if told := session.failure():
        answer.failure(told, t)
    if found := session.shown():
        if found[0] != question:
            st.info(t("similarity.outdated"), icon=":material/history:")
        results.draw(*found, t)
    results.explanation(t)
    if going is not None:
        with state:
            st.button(t("similarity.stop"), icon=":material/stop_circle:", on_click=session.stop, key=f"{PAGE}.stop")
            line = st.empty()
        session.follow(going, lambda elapsed: line.caption(t("similarity.waiting", elapsed=f"{elapsed:.1f}")))


def _seed() -> None:
    """What stands in the fields at first: the picker's own defaults write text, and give no vectors."""
    provider, model = choosing.first(frame.home())
    frame.kept(f"{PAGE}.provider", provider)
    for name, usual in {**choosing.USUAL, provider: model}.items():
        frame.kept(f"{PAGE}.model.{name}", usual)


def _about_model(picked: Picked, t: Words) -> None:
    if picked.access.provider == choosing.DEMO[0]:
        st.info(t("similarity.demo"), icon=":material/science:")
    elif picked.access.provider == choosing.ENGLISH[0]:
        st.caption(t("similarity.english"))
    elif picked.access.provider and picked.model not in choosing.USUAL.values():
        st.caption(t("similarity.embedding_only"))


def _examples(t: Words) -> None:
    st.markdown(f"**{t('similarity.examples')}**")
    with st.container(horizontal=True):
        for one in EXAMPLES:
            st.button(
                f"{one.name} ({t(f'similarity.in_{one.language}')})",
                key=f"{PAGE}.example.{one.name}",
                on_click=_take,
                args=(one,),
                icon=":material/lightbulb:",
            )


def _take(example: Example) -> None:
    """Fill in an example, with a model that knows its language where there is one to be had."""
    house, typed = frame.home(), st.session_state.get("secrets", {})
    found = choosing.first(house) if example.language == "en" else choosing.multilingual(house, typed)
    frame.put(TEXT, "\n".join(example.texts))
    if found is not None:
        frame.put(f"{PAGE}.provider", found[0])
        frame.put(f"{PAGE}.model.{found[0]}", found[1])
    st.session_state[f"{PAGE}.lacking"] = found is None


def _question(picked: Picked, t: Words) -> Question:
    """The field and its button, which asks."""
    text = st.text_area(
        t("similarity.sentences"),
        key=frame.kept(TEXT, "\n".join(EXAMPLES[0].texts)),
        height=190,
        placeholder=t("similarity.hint"),
    )
    typed = sentences.read(text or "")
    example = examples.of(typed.kept)
    if example is not None and example.language != "en" and st.session_state.get(f"{PAGE}.lacking"):
        st.warning(t("similarity.lacking", model=choosing.MULTILINGUAL), icon=":material/translate:")
    if typed.beyond:
        st.warning(t("similarity.beyond", most=sentences.MOST, count=typed.beyond), icon=":material/content_cut:")
    asked = asking.question(typed.kept, picked.access, picked.target)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(t("similarity.compute"), icon=":material/grid_on:", key=f"{PAGE}.compute"):
            if len(typed.kept) > 1:
                session.ask(frame.home(), picked.access, asked)
            else:
                st.warning(t("similarity.too_few"))
        st.caption(t("similarity.count", count=len(typed.kept), most=sentences.MOST))
    return asked
