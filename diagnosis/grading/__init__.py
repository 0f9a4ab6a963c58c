"""From the pixels of one frame to a report."""

import os

# Idle threads of torch sleep instead of spinning: beside other busy processes
# the networks are many times faster so. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
