"""What pages share: frame, words, streams that are watched, answers with their facts. Knows Streamlit, and no page."""
