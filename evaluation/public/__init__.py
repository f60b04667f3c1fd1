"""Public question sets, each in a private installation: loaded, indexed, asked and compared.

The running installation is not touched: every set gets a folder with its own database and index,
and processes of its own.
"""
