"""Why nobody is signed in."""

from server.errors import ExpectedFailure


class SignInRefused(ExpectedFailure):
    """Whoever asks is not signed in; the message says what to do."""

    code = "SIGN_IN_REFUSED"
