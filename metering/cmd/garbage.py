"""How a server collects garbage: seldom, and never among what it keeps for good."""

import gc

# A batch of 500 samples makes some 3,000 objects that Python keeps track of, and frees them itself
# when it is answered; the usual 700 start a collection in the midst of it, several times.
_YOUNG_OBJECTS = 50_000


def spare_what_is_loaded() -> None:
    """Leave out of all later collections what there is by now; to be called when all is loaded.

    Modules and what Pecan and WSME make of them are some 100,000 objects that never go. To look
    through them all took 0.1 s or more, every fifty batches of samples.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
