"""Draws the providers, each with how it does, as soon as that is known."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tramite.workbench.house import House
from tramite.workbench.language import Words
from tramite.workbench.ui import answer, markdown, waiting

from .configured import secret_of
from .health import Check, Health, State

CHECK = "settings.check"
_ICONS: dict[State, str] = {
    "answers": ":green[:material/check_circle:]",
    "empty": ":orange[:material/warning:]",
    "asking": ":material/hourglass_top:",
    "demo": ":material/theater_comedy:",
    "unlisted": ":material/key:",
    "no_key": ":material/key_off:",
    "refused": ":red[:material/error:]",
    "absent": ":material/power_off:",
    "not_installed": ":material/extension_off:",
    "failed": ":red[:material/error:]",
}
_QUIET: tuple[State, ...] = ("absent", "not_installed")


def draw(house: House, t: Words) -> None:
    """All of them. It looks again until the last one has answered."""
    check = st.session_state.get(CHECK)
    if check is None or not check.holds(house.config):
        check = st.session_state[CHECK] = Check(house)
    st.markdown(t("settings.providers_say"))
    if st.button(t("settings.check_again"), icon=":material/refresh:", key="settings.check_again"):
        check = st.session_state[CHECK] = Check(house)
    waiting.until(lambda: check.done, lambda: _all(check.found, t))


def _all(found: Sequence[Health], t: Words) -> None:
    keyless = [one for one in found if one.state == "no_key" and one.provider.secret is None]
    quiet = [one for one in found if one.state in _QUIET]
    for one in found:
        if one not in keyless and one not in quiet:
            _one(one, t)
    if quiet:
        with st.expander(t("settings.absent_ones", count=len(quiet)), icon=":material/power_off:"):
            for one in quiet:
                _one(one, t)
    if keyless:
        with st.expander(t("settings.keyless_ones", count=len(keyless)), icon=":material/key_off:"):
            _how_to_add_a_key(keyless, t)


def _one(one: Health, t: Words) -> None:
    typed = one.provider.name in st.session_state.get("secrets", {})
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"{_ICONS[one.state]} **{_name(one, t)}** – {_says(one, t)}")
        where = [] if one.provider.in_process else [f"`{one.provider.base_url}`"]
        if secret := secret_of(one.provider):
            where.append(t("settings.key_from", origin=f"`{secret}`"))
        if typed:
            where.append(t("settings.key_typed"))
        if where:
            st.markdown(f":small[{' · '.join(where)}]")
        if one.failure is not None and one.state != "absent":
            with st.expander(t("answer.details")):
                st.code(answer.details(one.failure), language=None, wrap_lines=True)


def _name(one: Health, t: Words) -> str:
    """As people call it, in their language where it is ours."""
    match one.provider.name:
        case "demo":
            return t("settings.the_demo")
        case "embedded":
            return t("settings.the_embedded")
        case "local":
            return t("settings.the_local")
    return markdown.plain(one.provider.title or one.provider.name)


def _says(one: Health, t: Words) -> str:
    """How it does, in a sentence, with what to do."""
    took = f"{one.took_s:.2f}"
    match one.state:
        case "answers":
            return t("settings.answers_one" if one.models == 1 else "settings.answers", took=took, count=one.models)
        case "empty":
            return t("settings.none_pulled") if one.provider.in_process else t("settings.empty", took=took)
        case "asking":
            return t("settings.asking")
        case "demo":
            return t("settings.demo")
        case "unlisted":
            return t("settings.unlisted")
        case "absent":
            return t("settings.absent")
        case "not_installed":
            return t("settings.not_installed")
        case _:
            return answer.advice(one.failure or {"kind": "MissingSecret"}, t)


def _how_to_add_a_key(keyless: Sequence[Health], t: Words) -> None:
    st.markdown(t("settings.keyless_say"))
    lines = []
    for one in keyless:
        name, row = _name(one, t), one.provider
        if row.name in st.session_state.get("secrets", {}):
            lines.append(f"- **{name}** – {t('settings.key_typed')}")
            continue
        command = f"`tramite secrets set {row.secret_names[0]}`" if row.secret_names else ""
        command = command or t("settings.key_in_file", table=f"`[providers.{row.name}]`")
        there = f" · [{t('settings.get_key')}]({row.secret_url})" if row.secret_url else ""
        lines.append(f"- **{name}** – {command}{there}")
    st.markdown("\n".join(lines))
