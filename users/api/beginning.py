"""The form that begins an installation, for scripts."""

from typing import Any

from orgs.machines import Access, Answer, Call, Refusal, ok, operation
from orgs.machines.answers import Envelope
from orgs.wire import form_of
from users.services import beginning
from users.wire import checked_email, checked_name

FIELDS = (
    *("owner_name", "owner_slug", "email_address", "first_name", "last_name"),
    *("password", "confirm_password", "terms"),
)
FORM = {"type": "object", "properties": {field: {"type": "string"} for field in FIELDS}}


@operation(
    "POST",
    "/bootstrap",
    "Make the first organisation and its administrator, where there is none",
    access=Access.PUBLIC,
    body=FORM,
    body_types=("application/x-www-form-urlencoded",),
    answers=Envelope,
    refusals=(403,),
)
def begin(call: Call[Any, bytes]) -> Answer:
    """Where there is anything already, the answer is 403 whatever was sent."""
    beginning.require_beginning()
    form = dict.fromkeys(FIELDS, "") | form_of(call.body)
    if form["password"] != form["confirm_password"]:
        raise Refusal(400, "The two passwords differ.")
    email = checked_email(form["email_address"])
    user = beginning.begin(
        slug=form["owner_slug"],
        organisation_name=form["owner_name"].strip() or form["owner_slug"],
        email=email,
        name=checked_name(f"{form['first_name']} {form['last_name']}".strip() or email),
        password=form["password"],
    )
    return ok("Organisation and user created", {"org_id": user.organisation_id, "user_id": user.pk})
