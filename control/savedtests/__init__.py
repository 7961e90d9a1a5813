"""Saved tests: visitors with a name, and where each must go, asked at every save of the smart link."""
