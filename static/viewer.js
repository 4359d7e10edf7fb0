// <div class="viewer" data-document="/…">: Swagger UI with the document of one API. Its colours are in viewer.css.
"use strict";

const MANY_OPERATIONS = 60;
const LABELS = {
  "#servers": "Server",
  ".operation-filter-input": "Filter by tag or path",
  ".body-param__text": "Request body",
  ".content-type": "Media type",
  ".examples-select-element": "Example",
  ".close-modal": "Close",
  ".parameters select, .parameters input, .parameters textarea": "Value",
  ".responses-wrapper select": "Media type or example",
};
const place = document.querySelector("[data-document]");

start();

async function start() {
  try {
    const answer = await fetch(place.dataset.document, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch {
    place.textContent = "The console could not be loaded. Reload the page to try again.";
  }
}

// Requests go to the document's server alone, and what is filled in is gone with the page.
function show(spec) {
  place.replaceChildren();
  new MutationObserver(label).observe(place, { childList: true, subtree: true });
  SwaggerUIBundle({
    spec,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [() => ({ components: { InfoContainer: () => null } })], // the page around it says that already
    layout: "BaseLayout",
    validatorUrl: null,
    persistAuthorization: false,
    queryConfigEnabled: false,
    deepLinking: false,
    filter: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    syntaxHighlight: false,
    docExpansion: countOperations(spec) > MANY_OPERATIONS ? "none" : "list",
    defaultModelsExpandDepth: -1,
  });
}

function countOperations(spec) {
  return Object.values(spec.paths ?? {}).reduce((sum, item) => sum + Object.keys(item).length, 0);
}

// Names for fields that Swagger UI leaves without one, and a way to scroll its examples by keyboard.
function label() {
  for (const [selector, name] of Object.entries(LABELS)) {
    for (const field of place.querySelectorAll(selector)) {
      if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", nameOf(field, name));
    }
  }
  for (const pre of place.querySelectorAll("pre:not([tabindex])")) pre.tabIndex = 0;
  for (const table of place.querySelectorAll("table[role=region]")) table.removeAttribute("role");
  place.querySelector("main")?.setAttribute("role", "group"); // it is inside the page's own
}

function nameOf(field, name) {
  return field.closest("[data-param-name]")?.dataset.paramName ?? name;
}
