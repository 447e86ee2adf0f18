"""Wrong API keys: who sends too many must wait; who is at work there already need not."""

from hypothesis import given
from hypothesis import strategies as st

from server.attempts import MOST_KEPT, SECONDS, Attempts, network_of


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_as_many_as_are_allowed_in_a_minute_need_not_wait() -> None:
    clock = Clock()
    attempts = Attempts(3, clock)
    for number in range(3):
        assert attempts.seconds_to_wait("192.0.2.1", "wrong") == 0
        assert attempts.failed("192.0.2.1", "wrong") is (number == 0)
        clock.at += 1

    assert attempts.seconds_to_wait("192.0.2.1", "another") == SECONDS - 3
    assert attempts.seconds_to_wait("192.0.2.2", "another") == 0
    clock.at += SECONDS - 3
    assert attempts.seconds_to_wait("192.0.2.1", "another") == 0
    assert attempts.failed("192.0.2.1", "another")


def test_a_key_that_worked_there_is_looked_up_whatever_else_is_tried() -> None:
    attempts = Attempts(1, Clock())
    attempts.worked("192.0.2.1", "good")
    attempts.failed("192.0.2.1", "wrong")

    assert attempts.seconds_to_wait("192.0.2.1", "good") == 0
    assert attempts.seconds_to_wait("192.0.2.1", "not yet seen") > 0
    attempts.failed("192.0.2.2", "wrong")
    assert attempts.seconds_to_wait("192.0.2.2", "good") > 0  # it worked elsewhere
    attempts.failed("192.0.2.1", "good")  # it was revoked
    assert attempts.seconds_to_wait("192.0.2.1", "good") > 0


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") == "2001:db8::/64"
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("testclient") == "testclient"


def test_what_is_known_is_bounded() -> None:
    attempts = Attempts(1, Clock())
    for number in range(MOST_KEPT + 10):
        attempts.failed(f"host {number}", "wrong")
        attempts.worked("host", f"key {number}")

    assert len(attempts._counts) == len(attempts._worked) == MOST_KEPT
    assert attempts.seconds_to_wait(f"host {MOST_KEPT}", "wrong") > 0


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.floats(0, 30), st.booleans()), min_size=1, max_size=60
    )
)
def test_no_address_gets_more_wrong_keys_looked_up_in_a_minute(
    tried: list[tuple[str, float, bool]],
) -> None:
    clock, most = Clock(), 4
    attempts = Attempts(most, clock)
    looked_up: list[tuple[str, float]] = []
    for address, later, patient in tried:
        clock.at += later
        if patient:
            clock.at += attempts.seconds_to_wait(address, "wrong")
        if attempts.seconds_to_wait(address, "wrong") == 0:
            attempts.failed(address, "wrong")
            looked_up.append((address, clock.at))
    for address, at in looked_up:
        window = [t for a, t in looked_up if a == address and at <= t < at + SECONDS]
        assert len(window) <= 2 * most - 1  # a minute may straddle two of those counted
