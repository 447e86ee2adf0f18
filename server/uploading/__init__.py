"""Files of recordings, sent by a signed link: streamed to disk, checked, then stored."""
