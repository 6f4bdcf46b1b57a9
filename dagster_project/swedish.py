"""Numbers as a Swedish reader writes them."""

from __future__ import annotations


def number(value: float, decimals: int = 4) -> str:
    """A number with a decimal comma and at most so many decimals; whole numbers without."""
    text = f"{value:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return ("0" if text == "-0" else text).replace(".", ",").replace("-", "−")


def measured(observed: str) -> str:
    """What an expectation measured; text that is no number stays as it is."""
    try:
        value = float(observed)
    except ValueError:
        return observed
    return f"{value:.0f}" if value.is_integer() else f"{value:.4g}".replace(".", ",")
