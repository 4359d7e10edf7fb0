"""What changes users and what lets them in; the modules are named after what they do."""

from users.services.at_root import find_chosen, find_proven, start_session
from users.services.people import (
    create_unbounded_user,
    create_user,
    delete_user,
    disable_user,
    enable_user,
    generate_password,
    give_new_password,
    update_user,
)
from users.services.signing_in import sign_in, sign_out

__all__ = [
    "create_unbounded_user",
    "create_user",
    "delete_user",
    "disable_user",
    "enable_user",
    "find_chosen",
    "find_proven",
    "generate_password",
    "give_new_password",
    "sign_in",
    "sign_out",
    "start_session",
    "update_user",
]
