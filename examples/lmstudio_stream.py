"""A prompt, and LM Studio's answer as it is written. Run it with: streamlit run examples/lmstudio_stream.py

LMSTUDIO_URL says where LM Studio is, if that is not http://127.0.0.1:1234.
"""

from types import SimpleNamespace

import streamlit as st

from tramite import Client, ConnectFailed, IncompleteStream, ProviderError, TramiteError

NOT_RUNNING = """LM Studio non risponde: probabilmente non è in esecuzione. Aprilo e, nella scheda **Developer**, avvia
il server (oppure, in un terminale, `lms server start`). Se si trova a un altro indirizzo, scrivilo nella variabile
`LMSTUDIO_URL`."""


def show(note: str) -> None:
    """The answer so far, and what is to be said of it."""
    # An image would be fetched from wherever the answer says, and tell that place whatever it says: no images.
    place.markdown(answer.text.replace("![", "! [") + (f"\n\n:gray[{note}]" if note else ""))


def write(prompt: str, **settings: str | float) -> None:
    """The answer, piece by piece. Whatever ends it early leaves what came in `answer`, and on the screen."""
    answer.text, answer.note = "", "Risposta incompleta."
    show("In attesa del primo token…")
    # Streamlit's stop is an exception in the next call of `st`: it leaves the `with`, and so it reaches LM Studio too.
    with Client() as llm, llm.stream(prompt, **settings) as stream:
        for answer.text in stream.snapshots:
            show(answer.note)
    answer.note = "Fermata al numero di token richiesto." if stream.reply.finish == "length" else ""


def explain(error: TramiteError) -> None:
    """What went wrong. The details are another program's text: shown as it is, not as Markdown."""
    if isinstance(error, ConnectFailed):
        st.error(NOT_RUNNING)
        return
    what = "La risposta si è interrotta" if isinstance(error, IncompleteStream) else "Richiesta non riuscita"
    status = error.status if isinstance(error, ProviderError) else None
    st.error(f"{what} (stato {status})." if status else f"{what}.")
    st.code(getattr(error, "body", "") or str(error), language=None, wrap_lines=True)


st.set_page_config(page_title="LM Studio")
st.title("LM Studio in streaming")
# A plain object, since once Streamlit has stopped a script, st.session_state can no longer be used there.
answer = st.session_state.setdefault("answer", SimpleNamespace(text="", note=""))

with st.form("richiesta"):  # in a form, moving a slider does not interrupt an answer
    prompt = st.text_area("Prompt", height=160, placeholder="Scrivi qui la tua richiesta")
    left, middle, right = st.columns(3)
    temperature = left.slider("Temperatura", 0.0, 1.5, 0.2, 0.05)
    max_tokens = middle.slider("Token", 16, 4096, 512, help="Quanti ne può avere al massimo la risposta")
    model = right.text_input("Modello (facoltativo)", placeholder="quello caricato").strip()
    wanted = st.form_submit_button("Genera", type="primary")

place = st.empty()
if wanted and not prompt.strip():
    st.warning("Il prompt è vuoto: scrivi prima una richiesta.")
elif wanted:
    try:
        write(prompt, model=f"lmstudio/{model}", temperature=temperature, max_tokens=max_tokens)
    except TramiteError as error:
        explain(error)
show(answer.note if answer.text else "")
