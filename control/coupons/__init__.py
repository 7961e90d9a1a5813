"""Coupons: codes that credit a partner within an offer."""
