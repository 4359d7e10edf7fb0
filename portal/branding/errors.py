"""Why what an organisation chose for its portal is not taken, as a sentence."""


class BadLogo(ValueError):
    pass


class BadVariable(ValueError):
    pass
