"""Whether the client of a request is still there.

What knows the server notes in the environ, under the key that stands here, what to call to be told.
Where nothing is noted nobody ever goes.
"""

import select

IS_GONE = "metering.client_is_gone"

# Only Linux has it. POLLHUP and POLLERR, which always count, may be all that others tell.
_HAS_CLOSED = getattr(select, "POLLRDHUP", 0)


def has_hung_up(connection: int) -> bool:
    """Whether who is connected to the socket of that number has closed; it costs microseconds.

    Or has shut down what it sends: until something is written to it nothing tells the two apart.
    A socket that we have closed ourselves (-1 is what Python says of it) is one without a client.
    """
    if connection < 0:
        return True
    poll = select.poll()
    poll.register(connection, _HAS_CLOSED)
    return bool(poll.poll(0))
