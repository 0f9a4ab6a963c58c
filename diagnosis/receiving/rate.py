"""How often a device may send."""

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from records.models import Device

PERIOD_S = 60


def seconds_to_wait(device: Device) -> int:
    """Count one image or request of the device.

    Counted by the minute in the cache, which may lose a count where two processes write
    at once: it keeps a device from flooding the portal, and bills nobody.

    Returns:
        0, or in how many seconds the device may go on.
    """
    now = int(timezone.now().timestamp())
    minute, passed = divmod(now, PERIOD_S)
    key = f"device-rate-{device.pk}-{minute}"
    cache.add(key, 0, timeout=2 * PERIOD_S)
    try:
        count = cache.incr(key)
    except ValueError:  # it has just run out
        return 0
    return 0 if count <= settings.DEVICE_RATE else PERIOD_S - passed
