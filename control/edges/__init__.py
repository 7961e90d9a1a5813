"""Which edges run what: `GET /edges`, and `GET /propagation` of one edit."""
