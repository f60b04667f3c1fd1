"""The environment of the tests, set before Django reads its settings (a pytest plugin).

Each pytest process has a data folder of its own below the system's temporary folder. With
DATABASE_URL and REDIS_URL set, the same tests run on PostgreSQL and Redis.
"""

import atexit
import os
import shutil
import tempfile

from core.native import limit_threads

limit_threads()
_folder = tempfile.mkdtemp(prefix="footnote-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ.update(
    ENV_FILE="",
    SECRET_KEY="only-for-the-tests-" + "0" * 40,
    DATA_DIR=_folder,
    DEBUG="",
    EMAIL_URL="memorymail://",
    CELERY_BROKER_URL=os.environ.get("REDIS_URL") or "memory://",
    OPENAI_API_KEY="",
    OPENAI_BASE_URL="",
    CHAT_RATE_ANONYMOUS="1000/min",
    CHAT_RATE_USER="1000/min",
    RETENTION_DAYS="30",
    READER="off",
    ANSWER_CACHE_HOURS="0",  # tests ask the same again and again; those of the cache switch it on
    TIME_ZONE="UTC",
    TITLE_TIMEOUT_MS="0",  # tests of titles set it: others count the requests to a model
)
