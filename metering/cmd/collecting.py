"""How often Python looks for garbage that refers to itself, in a process that serves.

What a request makes is gone with its answer, since hardly any of it does. A batch of samples, or a
page, is thousands of objects that live as long as the request: by Python's own setting they are
walked again and again meanwhile, with all that the process remembers now and then, in vain.
"""

import gc

_NEW_OBJECTS = 20_000
_TIMES_YOUNG, _TIMES_OLD = 20, 100


def collect_seldom() -> None:
    """Look rarely from now on, and never at what there is already."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _TIMES_YOUNG, _TIMES_OLD)
