"""What a run changes for its whole process is put back."""

import pytest
import torch

from vae_exp.cli.isolation import without_denormals


def denormals() -> bool:
    return torch.tensor(1e-39).mul(1.0).item() > 0


def test_denormal_numbers_are_0_inside_and_themselves_again_outside():
    assert denormals()
    with without_denormals():
        assert not denormals()
        with pytest.raises(KeyError), without_denormals():
            raise KeyError
        assert not denormals()
    assert denormals()
