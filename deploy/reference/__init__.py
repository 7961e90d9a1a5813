"""The reference pages, made from the code: `python -m deploy.reference` writes them; a test fails where they differ.

deploy/CONFIGURATION.md    every setting            settings.py
control/openapi.json       the API, for programs    api.py
control/API.md             the API, for people      api.py
"""
