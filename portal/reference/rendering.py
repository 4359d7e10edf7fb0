"""The reference as HTML that reads without JavaScript.

A document of 1 MB has thousands of rows, each of pieces that a template would have to include.
"""

from collections.abc import Callable, Sequence
from functools import cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.reference.markup import NOTHING, filled, joined
from portal.reference.model import (
    Body,
    Content,
    Group,
    Operation,
    Parameter,
    Part,
    Property,
    Reference,
    Response,
    Schema,
    Shape,
)

Markdown = Callable[[str], SafeString]

CUT = SafeString('<p class="notice notice-warning">The document is too large: what comes after this is left out.</p>\n')
DEPRECATED = SafeString('<span class="state state-expiring">deprecated</span>')
REQUIRED = SafeString('<span class="reference-required">required</span>')
PLACES = {"path": "In the path", "query": "In the query", "header": "In a header", "cookie": "In a cookie"}
# The id is inside, so that a link to it opens what is closed.
DETAILS = """<details class="reference-item"><summary>{}</summary>
<div class="reference-body" id="{}">
{}</div></details>
"""
TABLE = """<div class="table-scroll" tabindex="0"><table class="table reference-table"><thead><tr>\
<th scope="col">{}</th><th scope="col">Type</th><th scope="col">Description</th></tr></thead><tbody>
{}</tbody></table></div>
"""
ROW = '<tr><th scope="row"><code>{}</code>{}</th><td class="reference-type">{}</td><td>{}</td></tr>\n'


def rendered(reference: Reference, *, markdown: Markdown) -> SafeString:
    """Write the whole reference. `markdown` is asked once for each text, however many operations share it."""
    return _Page(cache(markdown)).whole(reference)


class _Page:
    def __init__(self, markdown: Markdown) -> None:
        self.markdown = markdown

    def whole(self, reference: Reference) -> SafeString:
        return format_html(
            '<div class="reference">\n{}{}{}{}{}</div>\n',
            self._prose(reference.description),
            _contents(reference),
            joined(map(self._group, reference.groups)),
            self._schemas(reference.schemas),
            CUT if reference.is_cut else NOTHING,
        )

    def _prose(self, text: str) -> SafeString:
        return format_html('<div class="reference-prose">{}</div>\n', self.markdown(text)) if text else NOTHING

    def _cell(self, text: str) -> SafeString:
        return self.markdown(text) if text else NOTHING

    def _group(self, group: Group) -> SafeString:
        return format_html(
            '<section class="reference-group" id="{}">\n<h2>{}</h2>\n{}{}</section>\n',
            group.anchor,
            group.name,
            self._prose(group.description),
            joined(map(self._operation, group.operations)),
        )

    def _operation(self, operation: Operation) -> SafeString:
        summary = format_html(
            '<h3><span class="method method-{}">{}</span> <code>{}</code></h3> {}{}',
            operation.method,
            operation.method.upper(),
            operation.path,
            filled('<span class="reference-summary">{}</span>', operation.summary),
            DEPRECATED if operation.deprecated else NOTHING,
        )
        inside = joined(
            [
                self._prose(operation.description),
                self._parameters(operation.parameters),
                self._body(operation.body) if operation.body else NOTHING,
                self._responses(operation.responses),
            ]
        )
        return format_html(DETAILS, summary, operation.anchor, inside)

    def _parameters(self, parameters: Sequence[Parameter]) -> SafeString:
        """A table for each place that parameters are in."""
        places = dict.fromkeys(parameter.place for parameter in parameters)
        return joined(
            format_html("<h4>{}</h4>\n{}", PLACES.get(place, place), self._table("Parameter", here))
            for place in places
            for here in [[parameter for parameter in parameters if parameter.place == place]]
        )

    def _table(self, head: str, rows: Sequence[Parameter | Property]) -> SafeString:
        return format_html(TABLE, head, joined(map(self._row, rows))) if rows else NOTHING

    def _row(self, row: Parameter | Property) -> SafeString:
        marks = joined([REQUIRED if row.required else NOTHING, DEPRECATED if row.deprecated else NOTHING])
        return format_html(ROW, row.name, marks, _shape(row.shape), self._cell(row.description))

    def _body(self, body: Body) -> SafeString:
        return format_html(
            "<h4>Request body{}</h4>\n{}{}",
            SafeString(f" {REQUIRED}") if body.required else NOTHING,
            self._prose(body.description),
            self._contents(body.contents),
        )

    def _contents(self, contents: Sequence[Content]) -> SafeString:
        return joined(self._content(content) for content in contents)

    def _content(self, content: Content) -> SafeString:
        return format_html(
            '<p class="reference-content"><code>{}</code> {}</p>\n{}',
            content.media_type,
            _shape(content.shape),
            self._table("Property", content.properties),
        )

    def _responses(self, responses: Sequence[Response]) -> SafeString:
        return format_html("<h4>Responses</h4>\n{}", joined(map(self._response, responses))) if responses else NOTHING

    def _response(self, response: Response) -> SafeString:
        return format_html(
            '<div class="reference-response"><span class="reference-status status-{}">{}</span>\n{}{}</div>\n',
            response.status[:1] if response.status[:1] in "2345" else "x",
            response.status,
            self._prose(response.description),
            self._contents(response.contents),
        )

    def _schemas(self, schemas: Sequence[Schema]) -> SafeString:
        if not schemas:
            return NOTHING
        return format_html(
            '<section class="reference-group" id="schemas">\n<h2>Schemas</h2>\n{}</section>\n',
            joined(map(self._schema, schemas)),
        )

    def _schema(self, schema: Schema) -> SafeString:
        summary = format_html("<h3><code>{}</code></h3>", schema.name)
        inside = format_html(
            '{}<p class="reference-type">{}</p>\n{}',
            self._prose(schema.description),
            _shape(schema.shape),
            self._table("Property", schema.properties),
        )
        return format_html(DETAILS, summary, schema.anchor, inside)


def _contents(reference: Reference) -> SafeString:
    entries = [(group.anchor, group.name, len(group.operations)) for group in reference.groups]
    if reference.schemas:
        entries.append(("schemas", "Schemas", len(reference.schemas)))
    if len(entries) < 2:
        return NOTHING
    links = joined(
        format_html('<li><a href="#{}">{}</a> {}</li>\n', anchor, name, f"{count:,}") for anchor, name, count in entries
    )
    return format_html('<nav class="reference-contents" aria-label="Contents"><ul>\n{}</ul></nav>\n', links)


def _shape(shape: Shape) -> SafeString:
    return joined(map(_part, shape))


def _part(part: Part) -> SafeString:
    return format_html('<a href="#{}">{}</a>', part.anchor, part.text) if part.anchor else format_html("{}", part.text)
