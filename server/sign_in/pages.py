"""The pages on which people sign in and out: plain HTML, no script."""

import hashlib
from base64 import b64encode
from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse

_STYLE = """
:root {
  color-scheme: light dark;
  --ink: light-dark(#1f2937, #e5e7eb);
  --muted: light-dark(#5b6472, #a3adbb);
  --surface: light-dark(#fff, #212a3b);
  --line: light-dark(#8a93a1, #6b778c);
  --accent: light-dark(#4f46e5, #a5b4fc);
  --on-accent: light-dark(#fff, #1b2332);
  --bad: light-dark(#b42318, #fda29b);
}
body {
  margin: 0;
  background: var(--surface);
  color: var(--ink);
  font: 16px / 1.5 system-ui, sans-serif;
}
main { max-width: 24rem; margin: 12vh auto 4rem; padding: 0 1.25rem; }
.name { display: flex; align-items: center; gap: 8px; margin: 0; font-weight: 600; }
h1 { margin: 1.5rem 0 1rem; font-size: 1.5rem; }
form, .way { display: grid; gap: 0.5rem; margin: 0 0 1.5rem; }
label { font-weight: 600; }
input {
  padding: 0.55rem 0.75rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: none;
  color: inherit;
  font: 14px / 1.4 ui-monospace, monospace;
}
button, .button {
  padding: 0.6rem 1rem;
  border: 1px solid var(--accent);
  border-radius: 6px;
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
button.quiet { background: none; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.hint { margin: 0; color: var(--muted); font-size: 14px; }
.problem { margin: 0 0 1.5rem; color: var(--bad); overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
"""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'sha256-"
    f"{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a form's Origin would be null
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def sign_in_page(
    goal: str, provider: str | None, problem: str | None = None, status: int = 200
) -> HTMLResponse:
    """Offer the ways to sign in; `goal` is the path to go to then."""
    by_provider = ""
    if provider is not None:
        address = f"/auth/oidc/start?next={quote(goal, safe='')}"
        by_provider = (
            f'<p class="way"><a class="button" href="{escape(address)}">'
            f"Sign in with {escape(provider)}</a></p>"
        )
    return page(
        "Sign in",
        f"""{_problem(problem)}{by_provider}
<form method="post" action="/auth/sign-in">
  <input type="hidden" name="next" value="{escape(goal)}">
  <label for="key">API key</label>
  <input id="key" name="key" type="password" required autocomplete="off" spellcheck="false"
    placeholder="hst_live_…" aria-describedby="key-hint">
  <p class="hint" id="key-hint">You may then do what the key allows, until it ends.</p>
  <button{' class="quiet"' if provider else ""}>Sign in with the key</button>
</form>
<p class="hint">On the server's own machine, <code>hyperdata sign-in</code> prints a link that signs
an account in, once.</p>""",
        status,
    )


def signed_in_page(name: str, goal: str) -> HTMLResponse:
    """Say who is signed in, and offer to end that."""
    return page(
        "You are signed in",
        f"""<p>As <strong>{escape(name)}</strong>.</p>
<p class="way"><a class="button" href="{escape(goal)}">Go on</a></p>
<form method="post" action="/auth/sign-out"><button class="quiet">Sign out</button></form>""",
    )


def link_page(token: str) -> HTMLResponse:
    """Ask whether a link is to be used: programs that look at links in advance press no button."""
    return page(
        "Sign in",
        f"""<form method="post" action="/auth/link">
  <input type="hidden" name="token" value="{escape(token)}">
  <button>Sign in</button>
</form>
<p class="hint">The link works once.</p>""",
    )


def refused_page(problem: str, contact: str | None, status: int = 403) -> HTMLResponse:
    """Say why nobody was signed in, and whom to ask."""
    who = "whoever runs this server" if contact is None else escape(contact)
    return page(
        "You are not signed in",
        f"""{_problem(problem)}<p>If you should have access, ask {who}.</p>
<p><a href="/auth/sign-in">Sign in another way</a></p>""",
        status,
    )


def _problem(problem: str | None) -> str:
    return "" if problem is None else f'<p class="problem" role="alert">{escape(problem)}</p>\n'


def page(title: str, content: str, status: int = 200) -> HTMLResponse:
    """Return a page, under a title; `content` is HTML."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · HyperStudy Data</title>
<link rel="icon" type="image/svg+xml" href="/static/favicon.svg">
<style>{_STYLE}</style>
</head>
<body>
<main>
<p class="name"><img src="/static/favicon.svg" alt="" width="22" height="22"> HyperStudy Data</p>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
""",
        status,
        HEADERS,
    )
