"""Users and what lets them in. All of it belongs to one organisation, or to an unbounded user."""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower, Now

from orgs import scope
from orgs.models import OrgManager, OrgOwned, OrgOwnedOrUnbounded, id_field
from orgs.permissions import NO_PERMISSIONS, Level, ObjectKind, Permissions, highest, parse
from users.mail_queue import Mail as Mail

ALL_READ: Permissions = dict.fromkeys(ObjectKind, Level.READ)
ALL_WRITE: Permissions = dict.fromkeys(ObjectKind, Level.WRITE)


def owner_id() -> str | None:
    """The organisation that a new row is of: None where the open scope writes only unbounded users' rows."""
    is_unbounded = scope.current().writes == scope.NO_ORGANISATION
    return None if is_unbounded else scope.current_organisation_id()


class LowerEmailField(models.EmailField):  # type: ignore[type-arg]
    """Lower case in what is stored and in what is looked up: `=` may use an index, lower() may not."""

    def to_python(self, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(self.to_python(value))


class UserManager(OrgManager["User"], BaseUserManager["User"]):
    def create_superuser(self, email: str, password: str | None = None, name: str = "", **_: Any) -> "User":
        """For `manage.py createsuperuser`: an unbounded user: nobody of one organisation is above it."""
        from users import services

        with scope.opened(scope.INSTALLATION):
            return services.create_unbounded_user(email=email, name=name or email, password=password)


class User(OrgOwnedOrUnbounded, AbstractBaseUser):
    """A person or robot of exactly one organisation; or an unbounded user, who says so explicitly."""

    id = id_field()
    email = LowerEmailField()
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    is_unbounded = models.BooleanField(default=False, editable=False)
    is_administrator = models.BooleanField(default=False)
    permissions = models.JSONField(default=dict, blank=True)
    may_reset_passwords = models.BooleanField(default=False, editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    groups: "models.ManyToManyField[Group, Membership]" = models.ManyToManyField(
        "Group", through="Membership", related_name="users"
    )

    group_permissions: list[Any]  # filled by `users.sessions`, else asked for

    objects: ClassVar = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]

    class Meta:
        base_manager_name = "objects"
        ordering = ("email",)
        constraints = (
            models.UniqueConstraint("organisation", "email", name="users_email", nulls_distinct=False),
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="users_email_is_lower"),
            models.CheckConstraint(
                condition=models.Q(organisation=None, is_unbounded=True)
                | models.Q(organisation__isnull=False, is_unbounded=False),
                name="users_unbounded_is_explicit",
            ),
        )
        indexes = (models.Index(fields=["email"], name="users_by_email"),)

    def __str__(self) -> str:
        return str(self.email)

    def level(self, kind: ObjectKind) -> Level:
        return self.effective_permissions[kind]

    @property
    def effective_permissions(self) -> Permissions:
        return self.held_permissions if self.is_active else NO_PERMISSIONS

    @cached_property
    def held_permissions(self) -> Permissions:
        """The highest level of each kind, direct or through a group, also while the user is disabled."""
        if self.is_unbounded:
            return ALL_READ
        if self.is_administrator:
            return ALL_WRITE
        of_groups = self.group_permissions if hasattr(self, "group_permissions") else self.query_group_permissions()
        return highest(parse(stored) for stored in [self.permissions, *of_groups])

    def query_group_permissions(self) -> list[dict[str, str]]:
        return list(Group.objects.filter(membership__user=self).values_list("permissions", flat=True))

    # What the Django admin asks of a user; orgs.admin decides by kind and level.
    @property
    def is_staff(self) -> bool:
        return self.is_active

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return True


class Group(OrgOwned):
    """A named set of permissions. A group never makes its members administrators."""

    id = id_field()
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=200, blank=True)
    permissions = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        base_manager_name = "objects"
        ordering = ("name",)
        verbose_name = "user group"
        constraints = (models.UniqueConstraint("organisation", Lower("name"), name="groups_name"),)

    def __str__(self) -> str:
        return self.name


class Membership(OrgOwned):
    pk = models.CompositePrimaryKey("organisation_id", "user_id", "group_id")
    user = models.ForeignKey(User, models.CASCADE, db_constraint=False, db_index=False)
    group = models.ForeignKey(Group, models.CASCADE, db_constraint=False, db_index=False)

    class Meta:
        base_manager_name = "objects"
        indexes = (models.Index(fields=["organisation", "group"], name="membership_group"),)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class Session(OrgOwnedOrUnbounded, AbstractBaseSession):
    """A browser's session on one site. `session_key` is the SHA-256 of the cookie's value, not the value."""

    session_key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, db_constraint=False, db_index=False)

    objects: ClassVar = OrgManager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=["organisation", "user"], name="session_user"),
            models.Index(fields=["expire_date"], name="session_expiry"),
        )


class SignInFailure(OrgOwnedOrUnbounded):
    """Failures in a row for one e-mail address from one IP address on one site, whoever exists.

    `/` counts for itself beside the sites that it asks: what it tells may not depend on who is a user where.
    """

    SITE, ROOT, PORTAL = "site", "root", "portal"

    id = id_field()
    place = models.CharField(max_length=10, default=SITE)
    email = models.CharField(max_length=254)
    address = models.CharField(max_length=45)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                "organisation",
                "place",
                "email",
                "address",
                name="sign_in_failures",
                nulls_distinct=False,
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} from {self.address}"


class Invitation(OrgOwnedOrUnbounded):
    """A link that lets one person become a user, once, for 72 hours. Only a digest of its token is stored."""

    id = id_field()
    email = LowerEmailField()
    name = models.CharField(max_length=80, blank=True)
    is_administrator = models.BooleanField(default=False)
    permissions = models.JSONField(default=dict, blank=True)
    group_ids = models.JSONField(default=list, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    invited_by = models.CharField(max_length=24, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint("digest", "organisation", name="invitations_digest", nulls_distinct=False),
        )

    def __str__(self) -> str:
        return str(self.email)


class AccessKey(OrgOwnedOrUnbounded):
    """A user's credential for the JSON API: a visible part, and a peppered digest of the whole."""

    id = id_field()
    user = models.ForeignKey(User, models.CASCADE, related_name="access_keys", db_constraint=False, db_index=False)
    label = models.CharField(max_length=80)
    visible = models.CharField(max_length=8, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint("digest", "organisation", name="access_keys_digest", nulls_distinct=False),
        )
        indexes = (models.Index(fields=["organisation", "user"], name="access_keys_user"),)

    def __str__(self) -> str:
        return f"{self.label} ({self.visible}…)"


class SignInNonce(OrgOwnedOrUnbounded):
    """What lets a browser in once, for a minute, for whom the Admin API vouches. Only a digest of it is stored."""

    id = id_field()
    digest = models.CharField(max_length=64)
    section = models.CharField(max_length=10)
    email = LowerEmailField()
    display_name = models.CharField(max_length=80, blank=True)
    group_ids = models.JSONField(default=list)
    is_for_registered_users = models.BooleanField(default=False)
    expires_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint("digest", "organisation", name="sign_in_nonces_digest", nulls_distinct=False),
        )
        indexes = (models.Index(fields=["expires_at"], name="sign_in_nonces_expiry"),)

    def __str__(self) -> str:
        return f"{self.email} until {self.expires_at:%H:%M:%S}"
