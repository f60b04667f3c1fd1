"""The calls under ``/api/users/``, split by what they are about."""
