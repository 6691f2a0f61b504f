import os
import pty
import subprocess
import sys


def test_the_bar_is_drawn_in_a_terminal_that_does_not_know_its_size_and_is_gone_in_the_end(tmp_path):
    terminal, theirs = pty.openpty()  # of 0 columns
    command = [sys.executable, "-m", "vae_exp", "train", "data=digits", "trainer.max_epochs=2", "metrics=elbo"]
    process = subprocess.Popen([*command, f"hydra.run.dir={tmp_path / 'run'}"], stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:  # the other end is closed
        os.close(terminal)
    assert process.wait() == 0, said.decode()
    lines = said.decode().replace("\r", "\n").split("\n")
    drawn = [line for line in lines if line.startswith("training ")]
    assert drawn
    assert all("/24 " in line and len(line) <= 80 for line in drawn), drawn
    assert any("val " in line and "rate " in line for line in drawn), drawn
    assert not any("training " in line for line in lines[lines.index(drawn[-1]) + 1 :])
    assert lines[lines.index(drawn[-1]) + 1].strip() == "", "the bar is wiped out"
