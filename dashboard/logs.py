"""What no log may hold."""

import logging
import re

SECRET_PATH = re.compile(
    r"(/(?:invitation|join|password-reset|api/+keys|api/+activity/+keys|api/+apis/[^/]*/+keys|api/+apis/+keys/+basic"
    r"|api/+portal/+developers/+[^/]*/+keys)/+)[^/].*",
    re.DOTALL,
)


class WithoutLinks(logging.Filter):
    """Cut the links of invitations and resets short: who reads the log could use them before whom they were sent to.

    So with the keys that machines name in paths.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = SECRET_PATH.sub(r"\1…", record.getMessage()), ()
        return True
