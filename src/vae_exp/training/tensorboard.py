"""What TensorBoard shows besides numbers and pictures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.tensorboard.summary import hparams

from vae_exp import nested
from vae_exp.analysis.encode import Encoded

HIDDEN = ("run_dir", "trusted_packages", "callbacks", "logger", "metrics", "resume", "sweep", "view")


def boards(loggers: Iterable[Logger]) -> list[Any]:
    """Those of the loggers that write for TensorBoard: their writers."""
    return [logger.experiment for logger in loggers if isinstance(logger, TensorBoardLogger)]


def add_encoded(board: Any, name: str, image: Encoded, step: int) -> None:
    """Show an image file, which may be an animation."""
    summary = Summary.Image(height=image.height, width=image.width, colorspace=3, encoded_image_string=image.data)
    board._get_file_writer().add_summary(Summary(value=[Summary.Value(tag=name, image=summary)]), step)


def forget_after(loggers: Iterable[Logger], step: int) -> None:
    """Let TensorBoard drop what an earlier attempt logged after `step`, from where the run goes on."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            restart = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            # TensorBoard drops what was logged at the step of this event, and later.
            logger.experiment._get_file_writer().add_event(event_pb2.Event(session_log=restart), step + 1)


def log_hyperparameters(
    loggers: Iterable[Logger], settings: Mapping[str, Any], figures: Mapping[str, Any], first: Collection[str]
) -> None:
    """Fill the HParams tab: once, when the final figures are known.

    Args:
        loggers: Those that write for TensorBoard are served.
        settings: The configuration.
        figures: The final figures.
        first: Keys that the tab shows before all others: those that a run is called by.
    """
    numbers = {name: value for name, value in figures.items() if isinstance(value, float) and not name.endswith("/se")}
    hyperparameters = _flat({k: v for k, v in settings.items() if k not in HIDDEN})
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            metrics = {f"hparam/{name}": value for name, value in numbers.items()}
            logger.log_metrics(metrics)
            experiment, start, end = hparams(hyperparameters, metrics)
            _put_first(experiment, {key.replace("/", ".") for key in first})
            for summary in (experiment, start, end):
                logger.experiment._get_file_writer().add_summary(summary)


def _put_first(experiment: Any, names: Collection[str]) -> None:
    """Mark hyperparameters as those that differ: of all in alphabetical order the tab would show the first five."""
    content = experiment.value[0].metadata.plugin_data
    data = HParamsPluginData.FromString(content.content)
    for info in data.experiment.hparam_infos:
        info.differs = info.name in names
    content.content = data.SerializeToString()


def _flat(node: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their full keys, a part's class by that of the part."""
    return {
        ".".join(path).removesuffix("._target_"): value if isinstance(value, (bool, int, float, str)) else str(value)
        for path, value in nested.settings(node)
        if not any(key.startswith("_") and key != "_target_" for key in path)
    }
