"""Settings of the whole product: one file, every value from the environment, loud on a bad one.

``.env.example`` lists each name with its default; a test holds the two against each other.
A bad value raises ``ImproperlyConfigured`` with the variable's name and never its value.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

from core.secret import data_dir, read_env_file, read_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
T = TypeVar("T")
read_env_file(BASE_DIR)


def _value(read: Callable[..., T], name: str, default: T) -> T:
    """One setting, with an error that names the variable and keeps its value to itself.

    An empty value counts as absent, as a copied ``.env.example`` has many.
    """
    if not env.ENVIRON.get(name, "").strip():
        return default
    try:
        return read(name)
    except (ValueError, TypeError, ImproperlyConfigured):
        raise ImproperlyConfigured(f"{name} has a value that cannot be read.") from None


def _number(name: str, default: int, low: int, high: int) -> int:
    value = _value(env.int, name, default)
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name} must lie between {low} and {high}.")
    return value


def _text(name: str, default: str = "") -> str:
    return _value(env.str, name, default).strip()


def _amount(name: str, default: str, high: int) -> Decimal:
    """A decimal from 0 on."""
    try:
        value = Decimal(_text(name, default))
    except InvalidOperation:
        raise ImproperlyConfigured(f"{name} has a value that cannot be read.") from None
    if not (value.is_finite() and 0 <= value <= high):
        raise ImproperlyConfigured(f"{name} must lie between 0 and {high}.")
    return value


def _share(name: str, default: str) -> float:
    """A share from 0 to one half."""
    value = float(_amount(name, default, 1))
    if value > 0.5:
        raise ImproperlyConfigured(f"{name} must lie between 0 and 0.5.")
    return value


def _flag(name: str) -> bool:
    """Off unless it says otherwise; a word that is neither is an error, not a no."""
    word = _text(name, "off").lower()
    if word not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be True or False.")
    return word in {"1", "true", "yes", "on"}


def _choice(name: str, *choices: str) -> str:
    """One of some words; the first is the default."""
    word = _text(name, choices[0]).lower()
    if word not in choices:
        raise ImproperlyConfigured(f"{name} must be one of: {', '.join(choices)}.")
    return word


def _address(value: str, name: str, *schemes: str) -> str:
    """An address, or nothing, with a scheme that its part of the product speaks."""
    parts = urlsplit(value)
    if value and (parts.scheme not in schemes or not parts.hostname):
        begins = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must be an address that begins with {begins}.")
    return value


def _list(name: str, default: list[str]) -> list[str]:
    return [part.strip() for part in _value(env.list, name, default) if part.strip()]


# --- Where things are -------------------------------------------------------------------------
DATA_DIR = data_dir(BASE_DIR)
DEBUG = _flag("DEBUG")
SECRET_KEY = _text("SECRET_KEY") or read_key(DATA_DIR) or ("insecure-debug-key" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it, or run `make run` once, which writes one into DATA_DIR."
    )
HOST = _text("HOST", "127.0.0.1")
PORT = _number("PORT", 8000, 1, 65535)
WEB_CONCURRENCY = _number("WEB_CONCURRENCY", 2, 1, 64)
SITE_URL = _address(
    _text("SITE_URL", f"http://localhost:{PORT}").rstrip("/"), "SITE_URL", "http", "https"
)
HTTPS = _flag("HTTPS")
TRUSTED_PROXY_COUNT = _number("TRUSTED_PROXY_COUNT", 0, 0, 10)
ALLOWED_HOSTS = [
    *_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"]),
    str(urlsplit(SITE_URL).hostname),
]
CSRF_TRUSTED_ORIGINS = [SITE_URL]
LOG_LEVEL = _text("LOG_LEVEL", "INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
    raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")

# --- What the product does --------------------------------------------------------------------
OPENAI_API_KEY = _text("OPENAI_API_KEY")
OPENAI_BASE_URL = _address(_text("OPENAI_BASE_URL"), "OPENAI_BASE_URL", "http", "https")
CHAT_MODEL = _text("CHAT_MODEL", "gpt-4o-mini")
CHAT_CONTEXT_TOKENS = _number("CHAT_CONTEXT_TOKENS", 8192, 1024, 2_000_000)
MODEL_TIMEOUT_SECONDS = _number("MODEL_TIMEOUT_SECONDS", 60, 1, 3600)
MODEL_CONNECT_SECONDS = _number("MODEL_CONNECT_SECONDS", 5, 1, 300)
MODEL_FIRST_TOKEN_SECONDS = _number("MODEL_FIRST_TOKEN_SECONDS", 20, 1, 3600)
MODEL_NEXT_TOKEN_SECONDS = _number("MODEL_NEXT_TOKEN_SECONDS", 20, 1, 3600)
MODEL_RETRIES = _number("MODEL_RETRIES", 2, 0, 10)
MODEL_CALLS_AT_ONCE = _number("MODEL_CALLS_AT_ONCE", 64, 1, 10_000)
MODEL_QUEUE_SECONDS = _number("MODEL_QUEUE_SECONDS", 10, 0, 300)
MODEL_TEMPERATURE = _amount("MODEL_TEMPERATURE", "0.2", 2)
MODEL_ANSWER_TOKENS = _number("MODEL_ANSWER_TOKENS", 700, 16, 32_768)
MODEL_PRICE_IN = _amount("MODEL_PRICE_IN", "0", 100_000)
MODEL_PRICE_OUT = _amount("MODEL_PRICE_OUT", "0", 100_000)
MODEL_FALLBACKS = _list("MODEL_FALLBACKS", [])
MODEL_CHOICE = _choice("MODEL_CHOICE", "members", "everyone", "staff", "nobody")
MODELS_FILE = _text("MODELS_FILE")
MODEL_TOOLS = _flag("MODEL_TOOLS")
# Four turns are enough for two documents, a list and a sum; each is a call that is paid for.
TOOL_ROUNDS = _number("TOOL_ROUNDS", 4, 0, 10)
# A model has functions where somebody switched them on, who wants them for such questions too.
TOOLS_WHEN_NOT_FOUND = _choice("TOOLS_WHEN_NOT_FOUND", "on", "off")
TOOL_SECONDS = _number("TOOL_SECONDS", 10, 1, 120)
CHAT_TOOLS = _list("CHAT_TOOLS", [])
ANSWER_CACHE_HOURS = _number("ANSWER_CACHE_HOURS", 24, 0, 8760)
DAILY_BUDGET_USD = _amount("DAILY_BUDGET_USD", "100", 10_000_000)
DAILY_BUDGET_PERSON_USD = (
    _amount("DAILY_BUDGET_PERSON_USD", "", 10_000_000) if _text("DAILY_BUDGET_PERSON_USD") else None
)
SUPPORT_POLICY = _choice("SUPPORT_POLICY", "mark", "strict")
SUPPORT_MODEL = _text("SUPPORT_MODEL")
SUPPORT_JUDGE = _flag("SUPPORT_JUDGE")
MEMORY_MESSAGES = _number("MEMORY_MESSAGES", 10, 0, 200)
MEMORY_TOKENS = _number("MEMORY_TOKENS", 2000, 0, 1_000_000)
REWRITE_TIMEOUT_MS = _number("REWRITE_TIMEOUT_MS", 2000, 0, 60_000)
REFUSED_ANSWERABLE = _share("REFUSED_ANSWERABLE", "0.05")
TITLE_TIMEOUT_MS = _number("TITLE_TIMEOUT_MS", 5000, 0, 60_000)
WHEN_NOT_FOUND = _choice("WHEN_NOT_FOUND", "refuse", "general")
EMBEDDING_PROVIDER = _choice("EMBEDDING_PROVIDER", "local", "openai")
EMBEDDING_MODEL = _text("EMBEDDING_MODEL", "all-MiniLM-L6-v2")
EMBEDDING_BASE_URL = _address(_text("EMBEDDING_BASE_URL"), "EMBEDDING_BASE_URL", "http", "https")
EMBEDDING_API_KEY = _text("EMBEDDING_API_KEY")
EMBEDDING_RUNTIME = _choice("EMBEDDING_RUNTIME", "auto", "onnx", "torch")
EMBEDDING_INPUT_TYPE = _choice("EMBEDDING_INPUT_TYPE", "auto", "on", "off")
EMBEDDING_MAX_TOKENS = _number("EMBEDDING_MAX_TOKENS", 512, 64, 32_768)
# Put before every question or passage, for models that were trained with such words.
EMBEDDING_QUERY_PREFIX = env.str("EMBEDDING_QUERY_PREFIX", "")
EMBEDDING_PASSAGE_PREFIX = env.str("EMBEDDING_PASSAGE_PREFIX", "")
QUERY_EMBEDDING_TIMEOUT_MS = _number("QUERY_EMBEDDING_TIMEOUT_MS", 500, 10, 60_000)
EMBEDDING_DEVICE = _text("EMBEDDING_DEVICE", "cpu")
if EMBEDDING_DEVICE.partition(":")[0] not in {"cpu", "cuda", "mps", "xpu"}:
    raise ImproperlyConfigured("EMBEDDING_DEVICE must be cpu, cuda, cuda:1, mps or xpu.")
CHUNK_TOKENS = _number("CHUNK_TOKENS", 220, 32, 8192)
CHUNK_OVERLAP_TOKENS = _number("CHUNK_OVERLAP_TOKENS", 30, 0, 4096)
if CHUNK_OVERLAP_TOKENS * 2 > CHUNK_TOKENS:
    raise ImproperlyConfigured("CHUNK_OVERLAP_TOKENS must be at most half of CHUNK_TOKENS.")
TOP_K = _number("TOP_K", 8, 1, 50)
READER = _choice("READER", "on", "off") == "on"
RERANKER_MODEL = _text("RERANKER_MODEL")
RERANKER_TIMEOUT_MS = _number("RERANKER_TIMEOUT_MS", 1500, 10, 60_000)
QUERY_EXPANSION = _flag("QUERY_EXPANSION")
VECTOR_INDEX = _choice("VECTOR_INDEX", "files", "pgvector", "milvus")
VECTOR_DATABASE_URL = _address(
    _text("VECTOR_DATABASE_URL"), "VECTOR_DATABASE_URL", "postgres", "postgresql"
)
MILVUS_URI = _text("MILVUS_URI")
MILVUS_TOKEN = _text("MILVUS_TOKEN")
KEPT_BUILDS = _number("KEPT_BUILDS", 2, 0, 20)
# How far the share of golden questions whose evidence is found may fall in a new release.
GATE_MARGIN_PERCENT = _number("GATE_MARGIN_PERCENT", 2, 0, 100)
# Where links in answers may lead, in small letters; one that begins with a dot: all names below it.
LINK_HOSTS = [host.lower() for host in _list("LINK_HOSTS", [])]
INJECTION_POLICY = _choice("INJECTION_POLICY", "flag", "off", "block")
PII_POLICY = _choice("PII_POLICY", "off", "redact", "block")
PHONE_REGION = _text("PHONE_REGION").upper()
if PHONE_REGION and not (len(PHONE_REGION) == 2 and PHONE_REGION.isalpha()):
    raise ImproperlyConfigured("PHONE_REGION must be a country's two letters, such as DE.")
INSIDE_HOSTS = [host.lower() for host in _list("INSIDE_HOSTS", [])]
MODERATION_MODEL = _text("MODERATION_MODEL")
MODERATION_TIMEOUT_MS = _number("MODERATION_TIMEOUT_MS", 3000, 100, 60_000)
MODERATION_ON_FAILURE = _choice("MODERATION_ON_FAILURE", "allow", "block")
MESSAGE_MAX_CHARS = _number("MESSAGE_MAX_CHARS", 5000, 1, 100_000)
MAX_UPLOAD_MB = _number("MAX_UPLOAD_MB", 50, 1, 10_000)
MAX_PAGES = _number("MAX_PAGES", 2000, 1, 100_000)
MAX_UNPACKED_MB = _number("MAX_UNPACKED_MB", 512, 1, 10_000)
MAX_ARCHIVE_RATIO = _number("MAX_ARCHIVE_RATIO", 100, 2, 10_000)
MAX_ARCHIVE_MEMBERS = _number("MAX_ARCHIVE_MEMBERS", 10_000, 1, 100_000)
EXTRACTION_SECONDS = _number("EXTRACTION_SECONDS", 120, 5, 3600)
EXTRACTION_MEMORY_MB = _number("EXTRACTION_MEMORY_MB", 1536, 256, 65_536)
SYNC_MINUTES = _number("SYNC_MINUTES", 15, 1, 1440)
RETENTION_DAYS = _number("RETENTION_DAYS", 30, 1, 36_500)
CHAT_RATE_ANONYMOUS = env.str("CHAT_RATE_ANONYMOUS", "10/min,50/day")
CHAT_RATE_USER = env.str("CHAT_RATE_USER", "30/min,500/day")
# Limits by name: "count/period" (s, min, hour, day), several joined by commas; empty is no limit.
RATES = {
    "chat_anonymous": CHAT_RATE_ANONYMOUS,
    "chat_user": CHAT_RATE_USER,
    "login": "20/min,200/day",
    "signup": "60/min,1000/day",
    "mail": "6/hour",
    "search": "240/min",
    "knowledge": "1200/min",  # staff's calls, each person's: a script that adds documents may run
    "export": "12/hour",
}
# Called with a document's id after it was deleted, so that other apps can forget its words.
DOCUMENT_FORGOTTEN_HOOKS = [
    "chat.forgetting.forget_document",
    "evaluation.forgetting.forget_document",
]
# Called with a complete build before it is activated; answers a dictionary of what it found:
# "verdict" (passed, failed or skipped), "reason" and figures.
INDEX_GATE = "evaluation.gate.judge"
# Called with what the gate found; answers the evidence that the build lost, as rows to show.
INDEX_GATE_LOSSES = "evaluation.losses.rows_of_gate"
# Tasks that look at the documents of a release after it has begun to answer.
INDEX_PUBLISHED = ["evaluation.tasks.check_evidence"]
# Called with a document's id, or None for all; each answers notices for staff.
INDEX_NOTICES = ["evaluation.watching.notices"]
# Called with a user; each yields that user's rows of one app as JSON-ready dictionaries.
EXPORT_SECTIONS = ["chat.export.conversations_of"]
# Where WebSockets are opened, and channels' consumer that holds them.
SOCKETS = {"ws/chat/": "chat.consumers.ChatConsumer"}
# Called once in a thread of each web process, so that the first question is quick.
WARM_UP = ["knowledge.search.warm_up", "knowledge.reader.warm_up", "chat.conf.warm_up"]
# Called once in a thread of each web process that stops: answers get time to end.
WIND_DOWN = ["chat.runtime.wind_down"]
# Each returns ("ok" | "degraded" | "failed", details): see core.health.
HEALTH_PARTS = {
    "database": "core.health.database",
    "broker": "core.health.broker",
    "worker": "core.health.worker",
    "disk": "core.health.disk",
    "index": "knowledge.health.index",
    "models": "chat.health.models_part",
    "evidence": "evaluation.watching.health",
}
# What GET /metrics tells; each yields prometheus_client's families.
METRICS = [
    "core.metrics.health_parts",
    "knowledge.metrics.collect",
    "chat.metrics.collect",
    "chat.sharedfigures.collect",
]
METRICS_TOKEN = _text("METRICS_TOKEN")

# --- Django -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "users",  # before auth: its createsuperuser holds passwords to our rule
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "core",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "knowledge",
    "chat",
    "evaluation",
]
MIDDLEWARE = [
    "core.middleware.request_context",
    "core.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "core.urls"
ASGI_APPLICATION = "core.asgi.application"
WSGI_APPLICATION = "core.wsgi.application"
_LOADERS = [
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.context.site",
            ],
            # DEBUG reads templates anew at every request, so that `make dev` shows an edit at once.
            "loaders": _LOADERS if DEBUG else [("django.template.loaders.cached.Loader", _LOADERS)],
        },
    }
]

# --- Database ---------------------------------------------------------------------------------
_SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at once and waits for it; DEFERRED failed 598 of 900 writes.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; "
        "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16000;"
    ),
}
_default_database = f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
try:
    _database = dict(env.db_url_config(_text("DATABASE_URL", _default_database)))
except (ImproperlyConfigured, ValueError, KeyError):
    raise ImproperlyConfigured("DATABASE_URL has a value that cannot be read.") from None
USES_SQLITE = _database.get("ENGINE") == "django.db.backends.sqlite3"
if USES_SQLITE:
    _database["ENGINE"] = "core.sqlite"
    _database["OPTIONS"] = {**_database.get("OPTIONS", {}), **_SQLITE_OPTIONS}
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}  # a file: threads must share it
elif _database.get("ENGINE") == "django.db.backends.postgresql":
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": _number("DATABASE_POOL", 12, 1, 200), "timeout": 10},
    }
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://.")
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 0, "ATOMIC_REQUESTS": False}}
if VECTOR_INDEX == "pgvector" and not VECTOR_DATABASE_URL:
    if USES_SQLITE:
        raise ImproperlyConfigured("VECTOR_INDEX=pgvector needs VECTOR_DATABASE_URL.")
    VECTOR_DATABASE_URL = _text("DATABASE_URL")
if VECTOR_INDEX == "milvus" and not MILVUS_URI:
    raise ImproperlyConfigured("VECTOR_INDEX=milvus needs MILVUS_URI.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

# --- Cache, broker ----------------------------------------------------------------------------
REDIS_URL = _address(_text("REDIS_URL"), "REDIS_URL", "redis", "rediss")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_URL = _text("CELERY_BROKER_URL", REDIS_URL or "filesystem://localhost")
USES_FILE_BROKER = CELERY_BROKER_URL.startswith("filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "processed_folder": str(BROKER_DIR / "processed"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": True,
        "polling_interval": 0.25,  # a second, by default, before a worker sees a document
    }
    if USES_FILE_BROKER
    else {"max_retries": 1, "interval_start": 0, "visibility_timeout": 7200}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # a dead broker must not hold a request: the sweep finds the row
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_POOL = "threads"  # never fork near FAISS: a forked child hangs in OpenMP
CELERY_WORKER_CONCURRENCY = 2
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
# Beat only ticks. What is due is asked of the database, so a lost schedule file loses nothing.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": 60.0, "options": {"expires": 55}}
    for name in (
        "core.schedule.sweep",
        "users.schedule.sweep",
        "knowledge.schedule.sweep",
        "chat.schedule.sweep",
        "evaluation.schedule.sweep",
    )
}

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.authentication.EmailBackend"]
PASSWORD_HASHERS = [
    "users.hashers.OwaspArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "users.hashers.TruncatingBCryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "last_name", "email")},
    },
    {"NAME": "users.passwords.LengthValidator", "OPTIONS": {"shortest": 8, "longest": 128}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCESS_TOKEN_MINUTES = _number("ACCESS_TOKEN_MINUTES", 30, 1, 1440)
REFRESH_TOKEN_DAYS = _number("REFRESH_TOKEN_DAYS", 7, 1, 365)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "UPDATE_LAST_LOGIN": False,
    "LEEWAY": timedelta(seconds=10),
    "ALGORITHM": "HS256",
}
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "core.views.csrf_failure"
PASSWORD_RESET_TIMEOUT = 60 * 60 * 3

# --- API --------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "users.authentication.TokenAuthentication",
        "users.authentication.PageAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.ShallowJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "core.api.Pagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.answer_exception",
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Footnote",
    "DESCRIPTION": "Answers from your own documents, with a footnote on what they say.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/",
    "ENUM_NAME_OVERRIDES": {
        "MessageStateEnum": "chat.models.MessageState",
        "BuildStateEnum": "knowledge.models.BuildState",
    },
}
CORS_ALLOWED_ORIGINS = _list("CORS_ALLOWED_ORIGINS", [])
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/api/.*$"
JSON_BODY_MAX_BYTES = 1024 * 1024
# core.limits refuses first, by path; this only has to let a document in JSON through.
DATA_UPLOAD_MAX_MEMORY_SIZE = (MAX_UPLOAD_MB + 1) * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = JSON_BODY_MAX_BYTES
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "tmp")
Path(FILE_UPLOAD_TEMP_DIR).mkdir(mode=0o700, exist_ok=True)

# --- Files, mail, words -----------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "media"
INDEX_DIR = DATA_DIR / "index"
MODELS_DIR = DATA_DIR / "models"  # embedding models, prepared to run without torch
MIN_FREE_BYTES = 200 * 1024 * 1024  # below it uploads and builds are refused
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_MAX_AGE = 0 if DEBUG else 600
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
try:
    _email = dict(env.email_url_config(_text("EMAIL_URL", "consolemail://")))
except (ImproperlyConfigured, ValueError, KeyError):
    raise ImproperlyConfigured("EMAIL_URL has a value that cannot be read.") from None
vars().update(_email)
EMAIL_FILE_PATH = str(_email.get("EMAIL_FILE_PATH") or DATA_DIR / "mail")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _text("DEFAULT_FROM_EMAIL", "Footnote <footnote@localhost>")
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "core.formats"  # one form of dates on all pages
USE_I18N = True
USE_TZ = True
TIME_ZONE = _text("TIME_ZONE", "UTC")
try:
    ZoneInfo(TIME_ZONE)
except (ZoneInfoNotFoundError, ValueError):
    raise ImproperlyConfigured("TIME_ZONE is not a name such as Europe/Berlin.") from None

# --- Security ---------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # the redirect to https belongs to the proxy in front

# --- Logs -------------------------------------------------------------------------------------
LOGGING_CONFIG = "core.logs.configure"
LOGGING = {"level": LOG_LEVEL}

# --- Admin ------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Footnote",
    "SITE_HEADER": "Footnote",
    "SITE_SYMBOL": "format_quote",
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "BORDER_RADIUS": "6px",
    "STYLES": [
        "/static/footnote/tokens.css",
        "/static/footnote/footnote.css",
        "/static/knowledge/desk.css",
    ],
    "SCRIPTS": ["/static/knowledge/desk.js"],
    "SIDEBAR": {"navigation": "knowledge.admin.menu.navigation"},
    "COLORS": {
        "base": {
            "50": "#f7f9f6", "100": "#f2f5f1", "200": "#d9dfd7", "300": "#bcc5be",
            "400": "#98a39c", "500": "#5f6862", "600": "#454d48", "700": "#2f3732",
            "800": "#252c28", "900": "#191e1b", "950": "#121614",
        },
        "primary": {
            "50": "#f1f7f4", "100": "#e2f0e9", "200": "#c3e2d4", "300": "#9fd9c0",
            "400": "#5fb795", "500": "#1f8163", "600": "#0b5d48", "700": "#094e3c",
            "800": "#074334", "900": "#062f26", "950": "#041c17",
        },
    },
}  # fmt: skip
