"""The pages behind a participant's link: plain HTML, no script."""

from html import escape

from starlette.responses import HTMLResponse

from server.sign_in.pages import page
from server.timestamps import iso


def offer_page(study: str, token: str) -> HTMLResponse:
    """Say what will happen, and ask whether it shall: looking at a link uses nothing up."""
    return page(
        "Your data",
        f"""<p>You took part in the study <strong>{escape(study)}</strong>, and may have all that is
stored about you in it: what you did, said and rated, and when.</p>
<p>It is put together into one ZIP file. Wherever it tells of other people, codes stand in their
place. Whoever runs the study is told that you have asked, and must answer within a month; most
often the file is there within minutes.</p>
<form method="post" action="/my-data">
  <input type="hidden" name="token" value="{escape(token)}">
  <p><label><input type="checkbox" name="media" value="1"> with video and audio of me, if there
  is any</label></p>
  <button>Ask for my data</button>
</form>
<p class="hint">You can ask once by this link. Keep it: by the same link you fetch the file.</p>""",
    )


def waiting_page(study: str, token: str, due_at: int) -> HTMLResponse:
    """Say that the package is not there yet."""
    return page(
        "Your data is being put together",
        f"""<p>We have your request for all that is stored about you in the study
<strong>{escape(study)}</strong>.</p>
<p class="way"><a class="button" href="/my-data?token={escape(token)}">Look again</a></p>
<p class="hint">Keep this link, and come back later. An answer is due by {iso(due_at)[:10]}.</p>""",
    )


def ready_page(study: str, address: str) -> HTMLResponse:
    """Offer the package."""
    return page(
        "Your data is ready",
        f"""<p>All that is stored about you in the study <strong>{escape(study)}</strong>,
in one ZIP file. Begin with the file README.txt in it.</p>
<p class="way"><a class="button" href="{escape(address)}">Download</a></p>
<p class="hint">It tells who you are: keep it where only you can read it.</p>""",
    )


def over_page(study: str, reason: str | None) -> HTMLResponse:
    """Say that there is no package, or none any more."""
    why = (
        "The file was deleted when its time was over. Ask whoever runs the study for a new link."
        if reason is None
        else f"Your request was refused: {reason}"
    )
    return page(
        "There is no file",
        f"""<p>The study <strong>{escape(study)}</strong></p>
<p class="problem" role="alert">{escape(why)}</p>""",
    )


def refused_page(problem: str, status: int = 403) -> HTMLResponse:
    """Say that a link does not work."""
    return page(
        "This link does not work",
        f"""<p class="problem" role="alert">{escape(problem)}</p>
<p>Ask whoever gave it to you for a new one.</p>""",
        status,
    )
