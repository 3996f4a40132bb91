"""A prompt, and LM Studio's answer as it is written. Run it with: streamlit run examples/lmstudio_stream.py

LMSTUDIO_URL says where LM Studio is, if that is not http://127.0.0.1:1234.
"""

from types import SimpleNamespace

import streamlit as st

from tramite import Client, ConnectFailed, IncompleteStream, ProviderError, TramiteError

NOT_RUNNING = """LM Studio non risponde: probabilmente non è in esecuzione. Aprilo e, nella scheda **Developer**, avvia
il server (oppure, in un terminale, `lms server start`). Se si trova a un altro indirizzo, scrivilo nella variabile
`LMSTUDIO_URL`."""


def safe(text: str) -> str:
    """An image in an answer would be fetched from wherever it says, and tell that place whatever it says."""
    return text.replace("![", "! [")


def write(prompt: str, temperature: float, max_tokens: int, model: str) -> None:
    """The answer, piece by piece. Whatever ends it early leaves the text so far in `answer`."""
    answer.text, answer.note = "", "Risposta incompleta."
    settings = {"model": f"lmstudio/{model}", "temperature": temperature, "max_tokens": max_tokens}
    # Streamlit's stop is an exception in the next call of `st`: it leaves the `with`, and so it reaches LM Studio too.
    with st.spinner("In corso", show_time=True), Client() as llm, llm.stream(prompt, **settings) as stream:
        place = st.empty()
        for answer.text in stream.snapshots:
            place.markdown(safe(answer.text))
    answer.note = "Fermata al numero di token richiesto." if stream.reply.finish == "length" else ""


def explain(error: TramiteError) -> None:
    """What went wrong. The details are another program's text: shown as it is, not as Markdown."""
    if isinstance(error, ConnectFailed):
        st.error(NOT_RUNNING)
    elif isinstance(error, ProviderError):
        broken = "La risposta si è interrotta" if isinstance(error, IncompleteStream) else "Richiesta non riuscita"
        st.error(f"{broken} (stato {error.status or 'sconosciuto'}).")
        st.code(error.body or error.message, language=None, wrap_lines=True)
    else:
        st.error("Richiesta non riuscita.")
        st.code(str(error), language=None, wrap_lines=True)


st.set_page_config(page_title="LM Studio", page_icon=":material/stream:")
st.title("LM Studio in streaming")
answer = st.session_state.setdefault("answer", SimpleNamespace(text="", note=""))

with st.form("richiesta"):  # in a form, moving a slider does not interrupt an answer
    prompt = st.text_area("Prompt", height=160, placeholder="Scrivi qui la tua richiesta")
    left, middle, right = st.columns(3)
    temperature = left.slider("Temperatura", 0.0, 1.5, 0.2, 0.05)
    max_tokens = middle.slider("Token", 16, 4096, 512, help="Quanti ne può avere al massimo la risposta")
    model = right.text_input("Modello (facoltativo)", placeholder="quello caricato").strip()
    wanted = st.form_submit_button("Genera", type="primary")

if wanted and prompt.strip():
    try:
        write(prompt, temperature, max_tokens, model)
    except TramiteError as error:
        explain(error)
else:
    if wanted:
        st.warning("Il prompt è vuoto: scrivi prima una richiesta.")
    st.markdown(safe(answer.text))
if answer.text and answer.note:
    st.caption(answer.note)
