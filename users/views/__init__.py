"""The pages under ``/accounts/``, split by what they are about."""
