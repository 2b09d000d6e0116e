"""What a server leaves out when it collects garbage: what it keeps for good."""

import gc


def spare_what_is_loaded() -> None:
    """Leave out of all later collections what there is by now; to be called when all is loaded.

    Modules and what Pecan and WSME make of them are some 100,000 objects that never go. To look
    through them all took 0.1 s or more, every fifty batches of samples. Young objects are looked
    through as often as ever: an error can hold a body of megabytes in a circle.
    """
    gc.collect()
    gc.freeze()
