from django.contrib.auth.hashers import Argon2PasswordHasher


class OwaspArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: OWASP's password storage cheat sheet."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
