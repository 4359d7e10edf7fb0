"""How an organisation's portal is, and what it says on pages of its own."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from orgs.models import OrgOwned, id_field


class Portal(OrgOwned):
    """How the portal is; there is one row, or none where nobody has touched it yet. Off until it is switched on.

    `gateway_url` is where developers reach the APIs; `notified` are told of requests. `variables` are lines of CSS
    variables (`portal.branding`); `extra` is what clients keep here, without effect.
    """

    CLOSED, INVITATION, DOMAIN, OPEN = "closed", "invitation", "domain", "open"
    SIGN_UPS = (
        (CLOSED, "Closed: nobody"),
        (INVITATION, "By invitation"),
        (DOMAIN, "Addresses of certain domains"),
        (OPEN, "Open: everybody"),
    )

    id = id_field()
    is_on = models.BooleanField(default=False)
    title = models.CharField(max_length=80, blank=True)
    tagline = models.CharField(max_length=200, blank=True)
    gateway_url = models.CharField(max_length=300, blank=True)
    sign_up = models.CharField(max_length=12, choices=SIGN_UPS, default=INVITATION)
    email_domains = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    notified = ArrayField(models.EmailField(), default=list, blank=True)
    terms = models.TextField(blank=True)
    terms_revision = models.PositiveIntegerField(default=0)
    variables = models.TextField(blank=True)
    logo = models.BinaryField(default=bytes, blank=True)
    logo_type = models.CharField(max_length=40, blank=True)
    revision = models.PositiveIntegerField(default=1)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint("organisation", name="portals_one"),)

    def __str__(self) -> str:
        return self.title or "portal"

    @property
    def takes_sign_ups(self) -> bool:
        """Whether people may ask for an account, of any address or of some."""
        return self.sign_up in (self.DOMAIN, self.OPEN)


class Page(OrgOwned):
    """A page of the portal in Markdown, at `/pages/<slug>/`."""

    id = id_field()
    slug = models.SlugField(max_length=80, db_index=False)
    title = models.CharField(max_length=120)
    body = models.TextField(blank=True)
    is_published = models.BooleanField(default=False)
    is_for_developers = models.BooleanField(default=False)
    in_navigation = models.BooleanField(default=True)
    position = models.IntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        base_manager_name = "objects"
        verbose_name = "portal page"
        ordering = ("position", "title", "id")
        constraints = (models.UniqueConstraint("organisation", "slug", name="portal_pages_slug"),)

    def __str__(self) -> str:
        return self.title
