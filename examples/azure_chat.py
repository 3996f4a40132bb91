"""A chat with a deployment of Azure OpenAI. Run it with: streamlit run examples/azure_chat.py"""

import os

import streamlit as st

from tramite import Client, TramiteError
from tramite.config import load

NOTES = {"stopped": "Risposta incompleta.", "length": "Fermata al numero massimo di token."}
ENV = {name: os.environ.get(f"AZURE_OPENAI_{name}", "") for name in ("ENDPOINT", "API_VERSION", "KEY", "DEPLOYMENT")}
state = st.session_state
# A plain dictionary, since once Streamlit has stopped a script, its session state can no longer be used there.
talk = state.setdefault("talk", {"turns": [], "notes": {}, "unanswered": None})


def client(*parameters: str) -> Client:
    """This session's own client: made anew when any of its parameters has changed, and only then."""
    if state.get("parameters") != parameters:
        endpoint, version, key, deployment = parameters
        environ = os.environ | {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_VERSION": version}
        config = load(environ=environ, overrides={"default_model": f"azure/{deployment}"})
        old, state.client = state.get("client"), Client(config, secrets={"azure": key})
        state.parameters = parameters
        if old:
            old.close()
    return state.client


def show(write, text: str, note: str = "") -> None:
    """An image in an answer would be fetched from wherever it says, telling that place whatever it says: no images."""
    write(text.replace("![", "! [") + (f"\n\n:gray[{note}]" if note else ""))


def ask(prompt: str, parameters: tuple[str, ...], system: str, **settings: float) -> None:
    """One turn. Until it has its answer, the question is not part of the conversation, and not lost either."""
    talk["unanswered"] = asked = {"prompt": prompt, "partial": "", "error": "nessuna risposta"}
    show(st.chat_message("user").markdown, prompt)
    place, before = st.chat_message("assistant").empty(), len(talk["turns"])
    show(place.markdown, "", "In attesa della risposta…")
    try:
        chat = client(*parameters).conversation(system, **settings)
        chat.turns = talk["turns"]
        with chat.stream(prompt) as stream:
            for asked["partial"] in stream.snapshots:
                show(place.markdown, asked["partial"], NOTES["stopped"])
    except TramiteError as error:
        asked["error"] = str(error)  # it holds no secret, not even where the provider repeats it
    finally:  # also when Streamlit stops the script: the conversation has kept what came
        if len(talk["turns"]) > before:
            talk["unanswered"], talk["notes"][len(talk["turns"])] = None, NOTES.get(stream.reply.finish, "")


with st.sidebar:
    if st.button("Nuova conversazione", width="stretch"):
        talk.update(turns=[], notes={}, unanswered=None)
    endpoint = st.text_input("Endpoint", ENV["ENDPOINT"], placeholder="https://nome.openai.azure.com")
    version = st.text_input("Versione API", ENV["API_VERSION"], help="Vuota: l'API v1, che non ha versioni")
    there = "c'è, e va solo all'endpoint dell'ambiente" if ENV["KEY"] else "non c'è"
    typed = st.text_input("Chiave", type="password", help=f"Vuota: quella di AZURE_OPENAI_KEY, che {there}")
    deployment = st.text_input("Deployment", ENV["DEPLOYMENT"])
    settings = {"temperature": st.slider("Temperatura", 0.0, 2.0, 0.7, 0.05)}
    settings["top_p"] = st.slider("Top p", 0.0, 1.0, 1.0, 0.05)
    settings["max_tokens"] = st.number_input("Token al massimo", 1, 16384, 800)
    system = st.text_area("Prompt di sistema", "Sei un assistente conciso.", help="Vale dal prossimo messaggio")
# The environment's key goes to the environment's endpoint alone: whoever sees this page could name one of his own.
key = typed or (ENV["KEY"] if endpoint == ENV["ENDPOINT"] else "")
needs = "" if all((endpoint, key, deployment)) else "Prima completa la barra laterale: endpoint, chiave, deployment"
for number, message in enumerate(talk["turns"], 1):
    show(st.chat_message(message.role).markdown, message.text, talk["notes"].get(number, ""))
again = talk["unanswered"]["prompt"] if state.get("again") else ""
if prompt := st.chat_input(needs or "Scrivi un messaggio", submit_mode="stop", disabled=bool(needs)) or again:
    ask(prompt, (endpoint, version, key, deployment), system, **settings)
    st.rerun()
if asked := talk["unanswered"]:
    show(st.chat_message("user").markdown, asked["prompt"])
    show(st.chat_message("assistant").markdown, asked["partial"], NOTES["stopped"] if asked["partial"] else "—")
    show(st.error, f"La richiesta non è riuscita: {asked['error']}")
    st.button("Invia di nuovo", key="again", disabled=bool(needs))
