"""Every module that declares tables, imported, so that `Base.metadata` and `ClicksBase.metadata` are complete."""

import control.access.models
import control.audit.models
import control.auditor.models
import control.canaries.models
import control.clicks.models
import control.conversions.models
import control.coupons.models
import control.domains.models
import control.links.models
import control.offers.models
import control.partners.models
import control.postbacks.models
import control.publishing.models
import control.savedtests.models
import control.smartlinks.models  # noqa: F401  # imported for the tables they declare
