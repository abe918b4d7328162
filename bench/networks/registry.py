"""All networks by name."""

from __future__ import annotations

from networks import dense_image, image, inception, sequence, tabular, text

NETWORKS = {}
for module in (image, inception, text, sequence, tabular, dense_image):
    NETWORKS.update(module.NETWORKS)
