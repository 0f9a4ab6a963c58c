"""Everything that bytes or text can become on their way."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NOISE = st.binary(max_size=80)


def changed(original, noise=NOISE) -> SearchStrategy:
    """Something made of the original that is not the original.

    A piece is replaced, left out or put in, anywhere, the end included; or two
    neighbouring pieces of any lengths change places.
    """
    places = st.integers(0, len(original))
    replaced = st.builds(
        lambda ends, new: original[: ends[0]] + new + original[ends[1] :],
        st.lists(places, min_size=2, max_size=2).map(sorted),
        noise,
    )
    swapped = st.lists(places, min_size=3, max_size=3).map(sorted).map(swap(original))
    return (replaced | swapped).filter(lambda made: made != original)


def swap(original):
    def swapped(places):
        one, two, three = places
        return (
            original[:one] + original[two:three] + original[one:two] + original[three:]
        )

    return swapped


def same_until(original, made):
    """How long both are the same."""
    pairs = zip(original, made, strict=False)
    longest = min(len(original), len(made))
    return next((at for at, (a, b) in enumerate(pairs) if a != b), longest)
