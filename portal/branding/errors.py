"""Why what an organisation chose for its portal is not taken."""


class BadLogo(ValueError):
    """Why a picture cannot be the logo, as a sentence."""


class BadVariable(ValueError):
    """Why a theme is not taken, as a sentence, and the field of the theme that it is about."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field
