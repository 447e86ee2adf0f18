"""What is asked of a store with S3's API by links that we sign, with the key that we know."""

import html
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx2
import obstore
from obstore.store import S3Store

from server.presigned import access_key_of, signed_again

Method = Literal["GET", "HEAD", "DELETE"]

LONGEST_SECONDS = 7 * 24 * 3600
"""How long a link may work, for S3."""

_SECONDS = 60


class S3:
    """A store's bucket. `origin` is where browsers reach it, if that is not where we do."""

    def __init__(self, store: S3Store, origin: str | None = None) -> None:
        self._store = store
        self._origin = origin
        self._secret = os.environ.get("AWS_SECRET_ACCESS_KEY", "")

    @property
    def signs(self) -> bool:
        """Whether we know the key: one that is lent to a machine's role only the client knows."""
        known = os.environ.get("AWS_ACCESS_KEY_ID")
        return bool(known and self._secret) and access_key_of(self._signed("GET", "x", 1)) == known

    @property
    def origin(self) -> str:
        """Where browsers are sent."""
        parts = urlsplit(self._signed("GET", "x", 1))
        return self._origin or f"{parts.scheme}://{parts.netloc}"

    def link(self, key: str, method: Method, seconds: int, answer: Mapping[str, str]) -> str:
        """Return a link to a file; `answer` is the headers that the store is to send with it."""
        signed = self._signed(method, key, min(seconds, LONGEST_SECONDS))
        added = {f"response-{name}": value for name, value in answer.items()}
        return signed_again(signed, method, self._secret, added, self._origin)

    async def abort_unfinished(self, before: datetime) -> int:
        """Take back uploads in parts that were begun before a moment; return how many there were.

        Who was killed in the middle of one leaves parts that are paid for, and that no list shows.
        """
        aborted = 0
        asked = {"uploads": "", "prefix": self._prefix}
        async with httpx2.AsyncClient(timeout=_SECONDS) as http:
            while True:
                answer = await http.get(self._of_bucket("GET", "", asked))
                listed = answer.raise_for_status().text
                for upload in re.findall(r"<Upload>(.*?)</Upload>", listed, re.DOTALL):
                    if datetime.fromisoformat(_text(upload, "Initiated")) >= before:
                        continue
                    this = {"uploadId": _text(upload, "UploadId")}
                    link = self._of_bucket("DELETE", _text(upload, "Key"), this)
                    (await http.delete(link)).raise_for_status()
                    aborted += 1
                if _text(listed, "IsTruncated").lower() != "true":
                    return aborted
                asked["key-marker"] = _text(listed, "NextKeyMarker")
                asked["upload-id-marker"] = _text(listed, "NextUploadIdMarker")

    async def keeps_versions(self) -> bool:
        """Tell whether the bucket keeps what is deleted or written over."""
        async with httpx2.AsyncClient(timeout=_SECONDS) as http:
            answer = await http.get(self._of_bucket("GET", "", {"versioning": ""}))
        return _text(answer.raise_for_status().text, "Status") == "Enabled"

    @property
    def _prefix(self) -> str:
        prefix = (self._store.prefix or "").strip("/")
        return f"{prefix}/" if prefix else ""

    def _signed(self, method: Method, key: str, seconds: int) -> str:
        return obstore.sign(self._store, method, key, timedelta(seconds=seconds))

    def _of_bucket(self, method: Method, key: str, asked: Mapping[str, str]) -> str:
        """Return a link for a request to the bucket, or to one of its keys by its whole name."""
        address, _, query = self._signed(method, "x", _SECONDS).partition("?")
        bucket = address.removesuffix(quote(f"{self._prefix}x"))
        named = f"{bucket}{quote(key)}" if key else bucket
        return signed_again(f"{named}?{query}", method, self._secret, asked)


def _text(document: str, name: str) -> str:
    """Return what an element of a store's answer holds, the first of its name."""
    found = re.search(rf"<{name}>(.*?)</{name}>", document, re.DOTALL)
    return "" if found is None else html.unescape(found[1])
