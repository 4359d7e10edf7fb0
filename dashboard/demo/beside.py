"""What stands beside the demo's APIs and keys: plans, certificates, a webhook, domains, OAuth clients."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from apis.certificates.services import add_certificate
from apis.definition import Authentication
from apis.models import Api
from apis.oauth_clients.services import create_oauth_client
from apis.webhooks.services import create_webhook
from dashboard.demo.content import DemoOrganisation
from keys.models import Policy
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs.domains.services import claim_domain, vouch
from orgs.models import Domain

# Name, requests a minute, quota of a month.
PLANS = (("Bronze", 60, 100_000), ("Silver", 600, 2_000_000), ("Gold", 6_000, -1))
MONTH_S = 2_592_000
# What a certificate is for, and the days that it still lasts.
CERTIFICATES = (("partner", 400), ("upstream", 12))


def make_policies(demo: DemoOrganisation, apis: list[Api]) -> list[Policy]:
    """Make a plan of each kind for each environment, and one that only asks for little."""
    plans = [
        create_policy(
            name=f"{name} {environment}",
            accesses=[ApiAccess(api.id) for api in apis if environment in api.tags][:12],
            rate=rate,
            per_s=60,
            quota_max=quota,
            quota_window_s=MONTH_S,
            tags=["plan", environment],
        )
        for environment in demo.environments
        for name, rate, quota in PLANS
    ]
    slow = create_policy(name="Night batch limit", partitions=["rate_limit"], rate=5, per_s=1, tags=["limit"])
    return [*plans, slow]


def make_certificates(demo: DemoOrganisation) -> None:
    for purpose, days in CERTIFICATES:
        add_certificate(pem=certificate(f"{purpose}.{demo.slug}.example", days))


def certificate(host: str, days: int) -> bytes:
    """Return a self-signed certificate that has these days left, without its private key, which nobody needs."""
    key, now = ec.generate_private_key(ec.SECP256R1()), timezone.now()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=300))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def make_webhook(demo: DemoOrganisation) -> None:
    target = f"https://alerts.{demo.slug}.example/gateway"
    create_webhook(name="Alerts of the platform team", method="POST", target_url=target, event_timeout_s=60)


def give_domain(demo: DemoOrganisation) -> None:
    """As whoever runs the installation does: nobody can prove a name that ends in .example."""
    vouch(host=f"apis.{demo.slug}.example", purpose=Domain.Purpose.APIS)


def make_domain(demo: DemoOrganisation) -> None:
    """One that waits for its proof."""
    claim_domain(host=f"portal.{demo.slug}.example", purpose=Domain.Purpose.PORTAL)


def make_oauth_clients(apis: list[Api]) -> None:
    for api in [api for api in apis if api.authentication == Authentication.OAUTH2][:2]:
        create_oauth_client(api=api, description="Mobile app", redirect_uri="https://app.example/callback")
