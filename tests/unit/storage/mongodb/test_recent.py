from metering.storage.mongodb.recent import Recent


def test_it_remembers_the_last_keys() -> None:
    """As many keys as it is made for are known."""
    recent = Recent(2)
    recent.add([b"1", b"2", b"3"])
    recent.add([b"4", b"5"])

    assert [b"4", b"5"] == [key for key in (b"4", b"5") if key in recent]


def test_it_forgets_old_keys() -> None:
    """It does not grow for ever."""
    recent = Recent(2)
    for number in range(10):
        recent.add([b"%d" % number])

    assert sum(b"%d" % number in recent for number in range(10)) <= 6
    assert b"0" not in recent
