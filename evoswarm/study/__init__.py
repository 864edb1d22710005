"""Questions that take several searches to answer."""
