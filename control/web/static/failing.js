// A save that saved tests refuse: what each expected, what it would get and why, and the admin's way past them.

import { button, h, icon } from "./dom.js";
import { steps } from "./trace.js";

/** Show the tests of `problem` (409, tests_failed); `override` saves anyway, null where this person may not. */
export function showFailing({ problem, words, placeOf, override, keepEditing }) {
  const end = (run) => () => (dialog.close(), run());
  const tests = problem.body.tests;
  const dialog = h("dialog", { class: "wide", "aria-labelledby": "failing" },
    h("div", { class: "dlg-body" },
      h("h2", { id: "failing" }, `Not saved: ${tests.length === 1 ? "a saved test fails" : `${tests.length} saved tests fail`}`),
      h("p", { class: "muted" }, "Visitors go on as before. Mend the rules, or change the test if it is no longer what you want."),
      tests.map((test) => h("section", { class: "failing", "aria-label": test.name },
        h("div", { class: "strip bad" }, icon("warn"), h("p", {}, test.message)),
        test.trace.length ? h("ol", { class: "trace" }, steps(test.trace, words, placeOf)) : null))),
    h("div", { class: "dlg-foot" },
      override ? button("Save anyway, on the record", end(override), { class: "btn btn-quiet" }) : h("p", { class: "small muted push" }, "An admin can save it anyway."),
      button("Keep editing", end(keepEditing), { class: "btn btn-primary" })));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector(".dlg-foot .btn-primary").focus();
}
