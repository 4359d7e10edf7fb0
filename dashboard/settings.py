"""Every setting comes from the environment (the README has the table); a missing or wrong one stops the start."""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from dashboard import embedded, embedded_valkey, running, secret_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = secret_settings.var_dir()

env = environ.Env()
env.read_env(secret_settings.path())


def secret(name: str) -> str:
    """A secret has no default: `manage.py bootstrap` generates what the environment does not give."""
    value: str = env.str(name, "")
    if len(value) < 24:
        fault = "is shorter than 24 characters" if value else "is not set"
        raise ImproperlyConfigured(f"{name} {fault}. Set it, or run `manage.py bootstrap` to generate it.")
    return value


def number(name: str, default: int, *, least: int) -> int:
    try:
        value: int = env.int(name, default)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error
    if value < least:
        raise ImproperlyConfigured(f"{name} must be at least {least}.")
    return value


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value: str = env.str(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}.")
    return value


def switch(name: str, *, default: bool) -> bool:
    return choice(name, "on" if default else "off", ("on", "off")) == "on"


def database(url: str, name: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(f"{name} must be a postgres:// address.")
    options: dict[str, object] = env.db_url_config(url)
    return options | {"ENGINE": "django.db.backends.postgresql"}


def name_server(text: str) -> tuple[str, int]:
    """Read `address[:port]`."""
    try:
        return str(ip_address(text)), 53
    except ValueError:
        parts = urlsplit(f"//{text}")
    try:
        return str(ip_address(parts.hostname or "")), parts.port or 53
    except ValueError as error:
        raise ImproperlyConfigured("DNS_SERVERS must be addresses like 192.0.2.1 or 192.0.2.1:53.") from error


def check_redis_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be a redis:// or rediss:// address.")


SECRET_KEY = secret("SECRET_KEY")
# Empty switches the Admin API off; so does one that is too short.
ADMIN_SECRET: str = env.str("ADMIN_SECRET", "")
ACCESS_KEY_PEPPER = secret("ACCESS_KEY_PEPPER").encode()
KEY_DIGEST_PEPPER = secret("KEY_DIGEST_PEPPER").encode()
SEALING_KEY = secret("SEALING_KEY").encode()
NODE_SECRET = secret("NODE_SECRET")

DEBUG = switch("DEBUG", default=False)
SITE_HOSTS = [host.lower() for host in env.list("SITE_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])]
ALLOWED_HOSTS = SITE_HOSTS  # orgs.hosts admits organisations' domains beside them
HTTPS = switch("HTTPS", default=False)
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 0, least=0)

# The web's role owns nothing and cannot go round the walls; only `migrate` and `prove_isolation` use the owner's.
DATABASE_URL: str = env.str("DATABASE_URL", "")
EMBEDDED_DATABASE = not DATABASE_URL
DATABASE_OWNER_URL: str = env.str("DATABASE_OWNER_URL", "")
if EMBEDDED_DATABASE:
    DATABASE_URL, DATABASE_OWNER_URL = embedded.database_urls(VAR_DIR)
# Each thread of a web process keeps its connection, and orgs.hot looks whether it is still good. A pool did the same
# for more: taking a connection from it and giving it back was a twentieth of a page's time.
DATABASES = {"default": database(DATABASE_URL, "DATABASE_URL")}
DATABASES["default"] |= {"CONN_MAX_AGE": 600}
DATABASES["default"]["OPTIONS"] = {"options": "-c jit=off", "connect_timeout": 3}
DATABASE_OWNER = database(DATABASE_OWNER_URL, "DATABASE_OWNER_URL") if DATABASE_OWNER_URL else None

# Empty where none is given and no server's program is found: gateways wait then, and all else works.
GATEWAY_REDIS_URL: str = env.str("GATEWAY_REDIS_URL", "")
EMBEDDED_VALKEY = not GATEWAY_REDIS_URL and embedded_valkey.program() is not None
if EMBEDDED_VALKEY:
    # One port above the web's, which is known here too while `PORT=9000 manage.py up` runs in another terminal.
    _, web_port = running.found(VAR_DIR) or (0, 8000)
    GATEWAY_REDIS_URL = embedded_valkey.url(number("PORT", web_port, least=1) + 1, secret("VALKEY_PASSWORD"))
elif GATEWAY_REDIS_URL:
    check_redis_url(GATEWAY_REDIS_URL, "GATEWAY_REDIS_URL")

INSTALLED_APPS = [
    "dashboard",
    "orgs",
    "users",
    "apis",
    "keys",
    "gateways",
    "analytics",
    "portal",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
]
MIDDLEWARE = [
    "orgs.hosts.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.headers.SecurityHeadersMiddleware",
    "dashboard.machines.MachineMiddleware",
    "orgs.middleware.SiteMiddleware",
    "portal.middleware.SiteSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "users.middleware.SessionUserMiddleware",
    "dashboard.limits.SizeMiddleware",
    "orgs.middleware.ScopeMiddleware",
    "portal.middleware.PortalMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "dashboard.urls.root"
WSGI_APPLICATION = "dashboard.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.page",
            ]
        },
    }
]
FORM_RENDERER = "dashboard.forms.Renderer"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.backends.SiteBackend"]
SESSION_ENGINE = "users.sessions"
SESSION_COOKIE_AGE = number("SESSION_HOURS", 12, least=1) * 3600
LOGIN_URL = "users:sign_in"
LOGIN_REDIRECT_URL = "home"
# OWASP's Argon2id parameters (19 MiB, two passes): Django's own take 100 MiB for each sign-in.
PASSWORD_HASHERS = ["users.hashers.OwaspArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 3600

SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "dashboard.errors.csrf_failure"
API_RATE = number("API_RATE", 100, least=0)
API_BODY_MB = number("API_BODY_MB", 10, least=1)
# An OpenAPI document of 20 MB, pasted, is a form field of at most this size.
# So may a machine's body be, where API_BODY_MB lets it.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(25, API_BODY_MB) * 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL: str = env.str("EMAIL_FROM", "commonhold@localhost")

LANGUAGE_CODE = "en-gb"
TIME_ZONE: str = env.str("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

KEY_HASH = choice("KEY_HASH", "sha256", ("sha256", "murmur64", "murmur128"))
# It is the gateway that calls a target: "localhost" is its machine, with whatever answers only there. On a trial that
# is this machine; where the database is one's own, organisations get there only if it is wished.
ALLOW_LOOPBACK_TARGETS = switch("ALLOW_LOOPBACK_TARGETS", default=EMBEDDED_DATABASE)
# The same for webhooks of alerts and proofs of domains, which this machine calls: its network is not theirs.
PRIVATE_TARGETS = switch("PRIVATE_TARGETS", default=False)

# Whom to ask for the records that prove domains; the system's own where none is named.
DNS_SERVERS = [name_server(text) for text in env.list("DNS_SERVERS", default=[])]

# Empty switches `/metrics` off.
METRICS_TOKEN = secret("METRICS_TOKEN") if env.str("METRICS_TOKEN", "") else ""

# What `manage.py pump --sql` reads: a database that a tyk-pump fills.
PUMP_SQL_URL: str = env.str("PUMP_SQL_URL", "")
if PUMP_SQL_URL:
    database(PUMP_SQL_URL, "PUMP_SQL_URL")

# How long each request can be looked at; what is counted of them stays.
RECORD_DAYS = number("RECORD_DAYS", 30, least=2)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # an e-mail address is unique within its organisation
LOG_LEVEL = choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"without_links": {"()": "dashboard.logs.WithoutLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_links"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
