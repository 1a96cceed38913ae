"""The Natural Earth projection (T. Patterson, 2008, in B. Šavrič's polynomials): degrees to a drawing a thousand units wide."""

from __future__ import annotations

from math import radians

WIDTH, HEIGHT = 1000.0, 520.0
_SCALE = WIDTH / 5.4736
"""The equator is that long for a globe of radius one."""
_EQUATOR = 290.0
"""The north is nearer to the upper edge than Antarctica would be to the lower."""


def projected(latitude: float, longitude: float) -> tuple[float, float]:
    phi, lam = radians(latitude), radians(longitude)
    p2 = phi * phi
    p4 = p2 * p2
    x = lam * (0.8707 - 0.131979 * p2 + p4 * (-0.013791 + p4 * (0.003971 * p2 - 0.001529 * p4)))
    y = phi * (1.007226 + p2 * (0.015085 + p4 * (-0.044475 + 0.028874 * p2 - 0.005916 * p4)))
    return WIDTH / 2 + x * _SCALE, _EQUATOR - y * _SCALE
