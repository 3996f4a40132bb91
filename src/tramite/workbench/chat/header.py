"""What stands above a conversation: its title, its sums, and what can be done with all of it."""

from __future__ import annotations

import re

import streamlit as st

from tramite.store.conversations import Conversation, Node
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, markdown

from . import exchange, session
from .desk import Desk


def draw(desk: Desk, t: Words) -> None:
    """Nothing for a conversation that has not begun."""
    conversation = desk.conversation
    if desk.temporary:
        st.info(t("chat.temporary_here"), icon=":material/timer:")
    if conversation is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{markdown.plain(conversation.title or t('chat.untitled'))}**")
        with st.popover(t("chat.conversation"), icon=":material/more_horiz:", key="chat.menu"):
            _menu(desk, conversation, t)


def _menu(desk: Desk, conversation: Conversation, t: Words) -> None:
    with st.form(f"rename.{conversation.id}", border=False):
        title = st.text_input(t("chat.title"), value=conversation.title, max_chars=200)
        if st.form_submit_button(t("chat.rename"), icon=":material/edit:"):
            desk.store.rename(conversation.id, title.strip())
            st.rerun()

    def whole() -> bytes:
        return exchange.to_json(conversation, desk.store.nodes(list(desk.tree.by_id)))

    def shown() -> str:
        return exchange.to_markdown(conversation, desk.nodes(len(desk.branch)))

    name = _file_name(conversation.title)
    st.download_button(t("chat.export_json"), whole, f"{name}.json", "application/json", icon=":material/download:")
    st.download_button(t("chat.export_md"), shown, f"{name}.md", "text/markdown", icon=":material/download:")
    if st.button(t("chat.sums"), key="chat.sums", icon=":material/functions:"):
        st.session_state["chat.summing"] = True
    if st.session_state.get("chat.summing"):
        st.caption(_sums(desk.store.nodes(list(desk.tree.by_id)), t))
    if st.checkbox(t("chat.delete_sure"), key=f"sure.{conversation.id}") and st.button(
        t("chat.delete"), key="chat.delete", icon=":material/delete:"
    ):
        desk.house.generations.stop(desk.leaf or "")
        desk.store.delete(conversation.id)
        session.turn_to(None)
        st.rerun()


def _sums(nodes: list[Node], t: Words) -> str:
    """What all answers on all branches have cost."""
    answers = [node.facts for node in nodes if node.message.role == "assistant"]
    usages = [facts.get("usage") or {} for facts in answers]
    inputs = sum(usage.get("input_tokens") or 0 for usage in usages)
    outputs = sum(usage.get("output_tokens") or 0 for usage in usages)
    known = sum(facts.get("cost_nanousd") or 0 for facts in answers)
    unknown = sum(facts.get("cost_nanousd") is None for facts in answers)
    text = t("chat.sums_text", answers=len(answers), input=f"{inputs:,}", output=f"{outputs:,}")
    text += f" · {answer.cost(known, t)}"
    return text + (f" · {t('chat.sums_unknown', count=unknown)}" if unknown else "")


def _file_name(title: str) -> str:
    return re.sub(r"[^\w-]+", "-", title).strip("-")[:60] or "conversation"
