// A draft outlives its page: a reload, a look at another tab of the offer, a login that ran out.

const key = (offerId) => `turnout-draft:${offerId}`;

/** Keep `draft` of an offer for as long as this browser tab lives, unless nothing is changed. */
export function keepDraft(offerId, draft) {
  const put = () => {
    if (draft.changes) sessionStorage.setItem(key(offerId), JSON.stringify({ saved: draft.saved, now: draft.now }));
    else sessionStorage.removeItem(key(offerId));
  };
  draft.addEventListener("change", put);
}

/** What was kept of an offer's draft: {saved, now}, or null. */
export function keptDraft(offerId) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key(offerId)));
    return kept?.saved?.rules && kept.now?.rules ? kept : null;
  } catch {
    return null;
  }
}
