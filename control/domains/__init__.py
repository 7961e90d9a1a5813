"""Custom domains: hosts whose links live in a namespace of their own."""
