"""Links: short slugs that preset partner, coupon and sub-IDs for an offer."""
