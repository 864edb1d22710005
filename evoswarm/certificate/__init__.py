"""The certificate: what the held-out items say of a champion, and what may be concluded from it."""
