// Comforts on top of pages that work without any of this.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function copyButtons() {
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, document.getElementById(button.dataset.copy)));
  }
}

async function copy(button, field) {
  const label = button.querySelector("span");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { label.textContent = "Copy"; }, 2500);
}

function submitOnChange() {
  for (const form of all("form[data-submit-on-change]")) {
    for (const select of all("select", form)) select.addEventListener("change", () => form.requestSubmit());
  }
}

// Only forms that ask for it: <form data-unsaved>.
function warnOfUnsavedChanges() {
  let changed = false;
  for (const form of all("form[data-unsaved]")) {
    form.addEventListener("input", () => { changed = true; });
    form.addEventListener("submit", () => { changed = false; });
  }
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}

function closeMenusOutside() {
  const close = (keep) => all("details[data-closes-outside][open]").forEach((menu) => { if (!menu.contains(keep)) menu.open = false; });
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(null); });
}

// The button stays pressable where this does not run; the server compares in any case.
function typedNames() {
  for (const input of all("input[data-must-equal]")) {
    const button = input.form.querySelector("button[type=submit]");
    const update = () => { button.disabled = input.value.trim() !== input.dataset.mustEqual; };
    input.addEventListener("input", update);
    update();
  }
}

// <textarea data-editor data-error-line="12">: line numbers, and the line of the error marked and scrolled to.
function editors() {
  for (const area of all("textarea[data-editor]")) {
    const frame = document.createElement("div");
    const numbers = document.createElement("pre");
    frame.className = "editor";
    numbers.className = "editor-lines";
    numbers.setAttribute("aria-hidden", "true");
    area.replaceWith(frame);
    frame.append(numbers, area);
    const wrong = Number(area.dataset.errorLine || 0);
    const draw = () => drawNumbers(numbers, area.value.split("\n").length, wrong);
    area.addEventListener("input", draw);
    area.addEventListener("scroll", () => { numbers.scrollTop = area.scrollTop; });
    draw();
    if (wrong) goToLine(area, wrong);
  }
}

function drawNumbers(numbers, count, wrong) {
  if (numbers.dataset.count === String(count)) return;
  numbers.dataset.count = count;
  numbers.replaceChildren();
  for (let line = 1; line <= count; line += 1) {
    const place = line === wrong ? document.createElement("mark") : document.createTextNode("");
    place.textContent = line;
    numbers.append(place, "\n");
  }
}

function goToLine(area, line) {
  const start = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = area.value.indexOf("\n", start);
  area.setSelectionRange(start, end < 0 ? area.value.length : end);
  area.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(area).lineHeight));
}

// What a page renews of itself (htmx) is not where somebody who is signed out meanwhile is sent to: the page is.
function leaveWhenSignedOut() {
  document.addEventListener("htmx:before:response", (event) => {
    if (!event.detail.ctx.response.raw.redirected) return;
    event.preventDefault();
    window.location.reload();
  });
}

document.querySelector("[data-focus]")?.focus();
copyButtons();
submitOnChange();
warnOfUnsavedChanges();
closeMenusOutside();
typedNames();
editors();
leaveWhenSignedOut();
