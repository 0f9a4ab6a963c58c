"""Networks exported to ONNX, run by ONNX Runtime on the CPU."""

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from diagnosis.grading.backends.contract import Run
from diagnosis.grading.backends.modules import CPU
from diagnosis.grading.errors import BackendUnavailable
from diagnosis.grading.machine import code_sha256
from diagnosis.grading.manifest import Part
from diagnosis.grading.memory import out_of_memory
from diagnosis.grading.weights import write_whole

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

logger = logging.getLogger(__name__)
IMAGES, LOGITS = "images", "logits"


@dataclass(frozen=True)
class OnnxRuntime:
    """A graph in float32, fused by ONNX Runtime, on as many threads as torch has.

    Attributes:
        cache: keeps the exported graphs, by digest of weights and code; without
            it, or where it cannot be written, a network is exported each time.
    """

    cache: Path | None = None
    name: str = "onnx"

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return CPU

    def prepare(self, network: nn.Module, part: Part) -> Run:
        """Export once, then open."""
        try:
            return self._kept(part) or self._exported(network, part)
        except ImportError as error:
            raise BackendUnavailable(
                f"The backend {self.name} needs the package {error.name}, which is not"
                " installed. Install what requirements.txt names."
            ) from error

    def _file(self, part: Part) -> Path | None:
        if self.cache is None or not part.sha256:
            return None
        name = f"{part.sha256[:32]}-{code_sha256()[:16]}-{torch.__version__}.onnx"
        return self.cache / name

    def _kept(self, part: Part) -> "Graph | None":
        """The graph of an earlier export; None where there is none to be read."""
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidProtobuf

        file = self._file(part)
        if file is None or not file.exists():
            return None
        try:
            return Graph(file)
        except (OSError, Fail, InvalidProtobuf):
            return None

    def _exported(self, network: nn.Module, part: Part) -> "Graph":
        content = export(network, part.size)
        if file := self._file(part):
            try:
                write_whole(file, content)
                return Graph(file)
            except OSError as error:
                logger.warning("An exported network could not be kept: %s", error)
        return Graph(content)


class Graph:
    """A graph in a session of ONNX Runtime.

    A session keeps all memory that it ever needed, even for a batch that was too
    large. So when memory runs out it is closed, to be opened again by the next call.
    """

    def __init__(self, source: Path | bytes) -> None:
        self._source = source
        self._session: InferenceSession | None = open_session(source)

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) float32 → logits.

        Raises:
            MemoryError: the memory does not hold so many images.
        """
        from onnxruntime.capi.onnxruntime_pybind11_state import Fail, RuntimeException

        try:
            session = self._session = self._session or open_session(self._source)
            (logits,) = session.run([LOGITS], {IMAGES: images.contiguous().numpy()})
        except (Fail, RuntimeException, MemoryError) as error:
            if not out_of_memory(error):
                raise
            self._session = None
            raise MemoryError(str(error)) from None  # else it would hold the session
        return torch.from_numpy(logits)


def export(network: nn.Module, size: int) -> bytes:
    """A network as an ONNX graph, images → logits, for batches of any size.

    Args:
        network: in eval mode, on the CPU.
        size: side of its square input, in pixels.
    """
    # It warns that torchvision is not there, which none of our networks needs.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    images = torch.zeros(2, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch itself calls of its own past
        program = torch.onnx.export(
            network,
            (images,),
            input_names=[IMAGES],
            output_names=[LOGITS],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 (only the older exporter gives none)
    content: bytes = program.model_proto.SerializeToString()
    return content


def open_session(source: Path | bytes) -> "InferenceSession":
    """Let ONNX Runtime fuse a graph.

    Its threads stop when a run ends: they would hinder what comes after it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        source, options, providers=["CPUExecutionProvider"]
    )
