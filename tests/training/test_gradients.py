import torch

from vae_exp.training.gradients import norms_of


def test_norms_are_those_of_the_numbers_whatever_their_layout_and_type():
    picture = torch.randn(6, 5, 4, 3)
    groups = [
        [picture.to(memory_format=torch.channels_last), torch.randn(7, 3).t(), torch.randn(())],
        [torch.randn(90, 80), torch.randn(64, 32, 4, 4).to(memory_format=torch.channels_last), torch.randn(80)],
        [torch.randn(90, 80)],
        [torch.randn(2, 3, 4, 5)[:, :, ::2], torch.randn(9).bfloat16()],
    ]
    wanted = [torch.linalg.vector_norm(torch.cat([g.double().flatten() for g in group])).item() for group in groups]
    torch.testing.assert_close(norms_of(groups), torch.tensor(wanted))
