"use strict";
// Filter, search and sort over the rows that the page already holds. Nothing here makes HTML out of text.
(() => {
  const form = document.getElementById("filter");
  const list = document.getElementById("list");
  const found = document.getElementById("found");
  const empty = document.getElementById("empty");
  const rows = Array.from(list.children, (element, order) => ({
    element,
    order,
    data: element.dataset,
    text: element.textContent.toLowerCase(),
    subject: element.querySelector(".subject").textContent.toLowerCase(),
  }));
  const efforts = ["low", "medium", "high"];
  const compare = {
    severity: () => 0,
    effort: (a, b) => efforts.indexOf(a.data.effort) - efforts.indexOf(b.data.effort),
    code: (a, b) => (a.data.code < b.data.code ? -1 : a.data.code > b.data.code ? 1 : 0),
    subject: (a, b) => a.subject.localeCompare(b.subject),
    subscription: (a, b) => a.data.subscription.localeCompare(b.data.subscription),
  };
  const boxes = form.querySelectorAll("[name=severity]");
  const numbers = new Intl.NumberFormat("en");
  let sorted = "severity";
  let timer = 0;

  const apply = () => {
    const severities = new Set(Array.from(boxes, (box) => (box.checked ? box.value : "")));
    const words = form.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { family, code, subscription, accepted } = form;
    let count = 0;
    for (const row of rows) {
      const fits =
        severities.has(row.data.severity) &&
        (!family.value || row.data.family === family.value) &&
        (!code.value || row.data.code === code.value) &&
        (!subscription.value || row.data.subscription === subscription.value) &&
        (!accepted.value || row.data.accepted === accepted.value) &&
        words.every((word) => row.text.includes(word));
      row.element.hidden = !fits;
      count += fits ? 1 : 0;
    }
    if (form.sort.value !== sorted) {
      sorted = form.sort.value;
      const order = compare[sorted];
      rows.sort((a, b) => order(a, b) || a.order - b.order);
      list.append(...rows.map((row) => row.element));
    }
    empty.hidden = count > 0;
    found.textContent = `Showing ${numbers.format(count)} of ${numbers.format(rows.length)} findings`;
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  };
  const reset = () => {
    form.reset();
  };

  form.hidden = false;
  form.addEventListener("input", (event) => (event.target === form.search ? soon() : apply()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  // A reset reaches the fields only after its event.
  form.addEventListener("reset", () => setTimeout(apply, 0));

  // The page of a rule stands once, below; an opened finding gets a copy of its reason and fix.
  const advise = (details) => {
    const advice = details.querySelector(".advice");
    const rule = document.getElementById(`rule-${details.parentElement.dataset.code}`);
    if (!advice || advice.dataset.filled || !rule) return;
    const parts = rule.querySelectorAll(".why, .fix");
    if (!parts.length) return;
    advice.querySelector("a").textContent = `The page of ${rule.id.slice(5)}`;
    advice.prepend(...Array.from(parts, (part) => part.cloneNode(true)));
    advice.dataset.filled = "yes";
  };
  // The id goes to Azure's portal or its command line. Where a page may not write to the clipboard, it is
  // selected instead, ready to be copied by hand.
  const said = document.getElementById("said");
  const offer = (details) => {
    const id = details.querySelector(".subject-id");
    if (id.nextElementSibling) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy id";
    id.after(button);
  };
  const copy = async (id) => {
    try {
      await navigator.clipboard.writeText(id.textContent);
      return "Copied";
    } catch {
      getSelection().selectAllChildren(id);
      return document.execCommand("copy") ? "Copied" : "Selected: copy it now";
    }
  };
  list.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    said.textContent = button.textContent = await copy(button.previousElementSibling);
    setTimeout(() => (button.textContent = "Copy id"), 2500);
  });

  let printing = false;
  list.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.open || printing) return;
      advise(event.target);
      offer(event.target);
    },
    true,
  );

  // Links of the summary set the filter: one severity, one family, one rule, one subject.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-only], a[data-family], a[data-code], a[data-search]");
    if (!link) return;
    reset();
    if (link.dataset.only) for (const box of boxes) box.checked = box.value === link.dataset.only;
    if (link.dataset.family) form.family.value = link.dataset.family;
    if (link.dataset.code) form.code.value = link.dataset.code;
    if (link.dataset.search) form.search.value = link.dataset.search;
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.search.focus();
    }
  });

  // A link to a finding or a rule opens it, whatever the filter says.
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.tagName !== "DETAILS") return;
    target.open = true;
    if (target.parentElement.hidden) target.parentElement.hidden = false;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", follow);

  // Paper has no disclosure triangles: print every finding that is shown, and the pages of its rules, open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    printing = true;
    closed = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of closed) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    closed = [];
    printing = false;
  });

  apply();
  follow();
})();
