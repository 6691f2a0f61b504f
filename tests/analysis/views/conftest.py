"""What is written on a picture."""

import pytest

from vae_exp.analysis.views import style


@pytest.fixture
def written(monkeypatch):
    """The title of the last picture of rows of images, and then all names and captions on it."""
    texts, write = [], style.write

    def recording(drawing, at, text, anchor, *size):
        if anchor == "la":  # the title, with which a picture begins
            texts.clear()
        texts.append(text)
        write(drawing, at, text, anchor, *size)

    monkeypatch.setattr(style, "write", recording)
    return texts
