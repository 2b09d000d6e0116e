"""The names of the fields of `samples`: one letter each, and here alone.

MongoDB repeats them in every document, so in its cache, its oplog and on the wire: with these a
sample has 144 bytes, with words it had 177. Documents of other collections are few, or large; their
fields have names that say what they are.
"""

# `_id` is the key of a sample, which is made of its source and its id.
TRACK = "t"  # the digest of the track
DESCRIPTION = "d"  # the digest of the metadata
ID = "i"  # as the sender gave it; a UUID in 16 bytes
RANK = "r"  # the timestamp, and some of the key: see `ranks`
VOLUME = "v"
RECORDED_AT = "a"
