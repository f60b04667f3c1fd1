"""How passwords are hashed, and how old hashes are still read.

New hashes are Argon2id at OWASP's minimum: Django's own default takes 100 MiB a hash, so that fifty
log-ins at a time are 5 GB. Hashes of other kinds are accepted and replaced at the next log-in.
"""

import bcrypt
from django.contrib.auth.hashers import Argon2PasswordHasher, BCryptPasswordHasher

BCRYPT_BYTES = 72  # what bcrypt reads of a password


class OwaspArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane (OWASP Password Storage Cheat Sheet)."""

    time_cost = 2
    memory_cost = 19456  # KiB
    parallelism = 1


class TruncatingBCryptPasswordHasher(BCryptPasswordHasher):
    """Reads bcrypt hashes of long passwords as they were made.

    The library used to ignore what follows the 72nd byte; since version 5 it raises ValueError,
    which would answer a log-in with a server error.
    """

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]  # bytes it is
        data = bcrypt.hashpw(password.encode()[:BCRYPT_BYTES], salt)
        return f"{self.algorithm}${data.decode('ascii')}"
