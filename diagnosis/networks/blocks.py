"""Residual blocks that several networks share."""

from torch import Tensor, nn


def conv_bn_relu(
    incoming: int, outgoing: int, kernel: int, *, stride: int = 1
) -> nn.Sequential:
    """A convolution that keeps the size (÷ stride), normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(
            incoming, outgoing, kernel, stride=stride, padding=kernel // 2, bias=False
        ),
        nn.BatchNorm2d(outgoing),
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
        middle = nn.Conv2d(
            planes, planes, 3, stride=stride, padding=dilation, dilation=dilation,
            bias=False,
        )  # fmt: skip
        self.residual = nn.Sequential(
            *conv_bn_relu(incoming, planes, 1),
            middle,
            nn.BatchNorm2d(planes),
            nn.ReLU(),
            nn.Conv2d(planes, outgoing, 1, bias=False),
            nn.BatchNorm2d(outgoing),
        )
        self.shortcut = shortcut(incoming, outgoing, stride=stride)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(B, incoming, H, W) → (B, 4 planes, H/stride, W/stride)."""
        out: Tensor = self.relu(self.residual(features) + self.shortcut(features))
        return out


def initialise(network: nn.Module) -> None:
    """Draw convolutions from He's normal distribution; BN begins as the identity.

    Shapes on the meta device have nothing to draw, but torch would import its
    compiler to find that out.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
