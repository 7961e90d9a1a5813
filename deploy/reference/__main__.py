"""`python -m deploy.reference`: write the pages that are made from the code."""

import asyncio

from deploy.reference.pages import ROOT, pages


def main() -> None:
    """Write every page that differs, and name it."""
    for name, text in asyncio.run(pages()).items():
        place = ROOT / name
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
            print(f"wrote {name}")  # noqa: T201 (the output of this command)


if __name__ == "__main__":
    main()
