"""Blocks that several networks share."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's own name for it)

from diagnosis.networks.config import Norm

GROUPS = (32, 16, 8, 4, 2)
LEAST_IN_A_GROUP = 4


def conv_bn_relu(
    incoming: int,
    outgoing: int,
    kernel: int | tuple[int, int],
    *,
    stride: int = 1,
    dilation: int = 1,
    valid: bool = False,
    eps: float = 1e-5,
) -> nn.Sequential:
    """A convolution that keeps the size (÷ stride), normalised and rectified.

    ``valid`` pads nothing, and the answer is smaller by the kernel's rim.
    """
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (0, 0) if valid else (dilation * (rows // 2), dilation * (columns // 2))
    return nn.Sequential(
        nn.Conv2d(
            incoming,
            outgoing,
            (rows, columns),
            stride=stride,
            padding=padding,
            dilation=dilation,
            bias=False,
        ),
        nn.BatchNorm2d(outgoing, eps=eps),
        nn.ReLU(),
    )


def conv_relu(
    incoming: int, outgoing: int, kernel: int, *, stride: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size (÷ stride), rectified, not normalised."""
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, kernel, stride=stride, padding=kernel // 2),
        nn.ReLU(),
    )


def shortcut(incoming: int, outgoing: int, *, stride: int) -> nn.Module:
    """The identity where shapes agree, else a 1×1 convolution with BN."""
    if incoming == outgoing and stride == 1:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(incoming, outgoing, 1, stride=stride, bias=False),
        nn.BatchNorm2d(outgoing),
    )


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2016, Fig. 5 left)."""

    def __init__(self, incoming: int, planes: int, *, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *conv_bn_relu(incoming, planes, 3, stride=stride),
            nn.Conv2d(planes, planes, 3, padding=1, bias=False),
            nn.BatchNorm2d(planes),
        )
        self.shortcut = shortcut(incoming, planes, stride=stride)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(B, incoming, H, W) → (B, planes, H/stride, W/stride)."""
        out: Tensor = self.relu(self.residual(features) + self.shortcut(features))
        return out


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions beside a shortcut; the stride is on the 3×3."""

    EXPANSION = 4

    def __init__(
        self, incoming: int, planes: int, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        outgoing = planes * self.EXPANSION
        self.residual = nn.Sequential(
            *conv_bn_relu(incoming, planes, 1),
            *conv_bn_relu(planes, planes, 3, stride=stride, dilation=dilation),
            nn.Conv2d(planes, outgoing, 1, bias=False),
            nn.BatchNorm2d(outgoing),
        )
        self.shortcut = shortcut(incoming, outgoing, stride=stride)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(B, incoming, H, W) → (B, 4 planes, H/stride, W/stride)."""
        out: Tensor = self.relu(self.residual(features) + self.shortcut(features))
        return out


def bottleneck_stage(
    incoming: int, planes: int, count: int, *, stride: int, dilation: int = 1
) -> nn.Sequential:
    """Bottlenecks of one stage; only those after the first are dilated."""
    outgoing = planes * Bottleneck.EXPANSION
    rest = [Bottleneck(outgoing, planes, dilation=dilation) for _ in range(count - 1)]
    return nn.Sequential(Bottleneck(incoming, planes, stride=stride), *rest)


class Branches(nn.ModuleList):
    """Layers that read the same features; their answers are concatenated."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) → (B, the sum of the branches' channels, H', W')."""
        return torch.cat([branch(features) for branch in self], dim=1)


def spread(features: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Bilinear enlargement of strided features: (B, C, h, w) → (B, C, H, W).

    Strided convolutions centre their first cell on the first pixel, so corners
    must meet corners, or the answer lies half a cell off.
    """
    return F.interpolate(features, size, mode="bilinear", align_corners=True)


def initialise(network: nn.Module, *, norm: Norm = "batch") -> None:
    """Draw convolutions from He's normal distribution; norms begin as the identity.

    Shapes on the meta device have nothing to draw, but torch would import its
    compiler to find that out.
    """
    if norm == "group":
        _normalise_by_group(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _normalise_by_group(network: nn.Module) -> None:
    """Put group normalisation wherever the network normalises over the batch."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                channels = child.num_features
                setattr(parent, name, nn.GroupNorm(_groups(channels), channels))


def _groups(channels: int) -> int:
    """The most groups of equal size that leave each of them enough to average."""
    fitting = (
        groups
        for groups in GROUPS
        if channels % groups == 0 and channels >= LEAST_IN_A_GROUP * groups
    )
    return next(fitting, 1)
