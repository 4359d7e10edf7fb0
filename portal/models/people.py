"""Developers, and how one becomes one."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Now

from orgs.models import OrgManager, OrgOwned, id_field
from users.models import LowerEmailField


class Developer(OrgOwned, AbstractBaseUser):
    """A consumer of the organisation's APIs, whose e-mail address is proven.

    `groups` are names that catalogue entries may be for. `extra` is what clients keep with a developer.
    """

    id = id_field()
    email = LowerEmailField()
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    groups = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    terms_revision = models.PositiveIntegerField(default=0)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar = OrgManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        base_manager_name = "objects"
        ordering = ("email",)
        constraints = (models.UniqueConstraint("organisation", "email", name="developers_email"),)
        indexes = (models.Index(fields=["organisation", "-created_at", "-id"], name="developers_newest"),)

    def __str__(self) -> str:
        return str(self.email)


class DeveloperSession(OrgOwned, AbstractBaseSession):
    """A browser's session on the portal. `session_key` is the SHA-256 of the cookie's value, not the value."""

    session_key = models.CharField(max_length=64, primary_key=True)
    developer = models.ForeignKey(Developer, models.CASCADE, null=True, db_constraint=False, db_index=False)

    objects: ClassVar = OrgManager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=["organisation", "developer"], name="developer_session"),
            models.Index(fields=["expire_date"], name="developer_session_expiry"),
        )


class SignUp(OrgOwned):
    """A link that makes one developer, once, for 72 hours, of whoever reads the mail of this address.

    Asked for by the person, or by `invited_by`. Only a digest of its token is stored.
    """

    id = id_field()
    email = LowerEmailField()
    name = models.CharField(max_length=80, blank=True)
    groups = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    invited_by = models.CharField(max_length=254, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint("digest", "organisation", name="sign_ups_digest"),)

    def __str__(self) -> str:
        return str(self.email)


class Attempt(OrgOwned):
    """What a visitor has asked a mail for, counted by e-mail address and by network: no flood of mails."""

    id = id_field()
    whose = models.CharField(max_length=254)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "whose", "at"], name="attempts_whose"),)

    def __str__(self) -> str:
        return self.whose
