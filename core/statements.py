"""Querysets that are written once and run often.

For a query with several joins Django takes longer to write the SQL than the database to carry it
out, and a search asks the same few questions every time. A ``Statement`` is a queryset that was
compiled with marks in the places of its values; each run puts other values there. The queryset
stays the one place that says what is asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

Row = tuple[Any, ...]
Marks = Mapping[str, Any]
NO_KEY = 2**62  # a mark in the place of a key: beyond all that rows have


class Statement:
    """A compiled ``values_list`` queryset whose values can be changed.

    Each mark is a value that nothing else in the queryset has, such as a number beyond all keys or
    a day of the year 1. A list of marks stands for a list of values of at most that length.
    """

    def __init__(self, queryset: QuerySet[Any, Any], marks: Marks) -> None:
        """Compile for the database of this thread.

        Raises:
            ValueError: a mark does not stand in the statement, so that its value would be lost.
        """
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self._sql, found = compiler.as_sql()
        self._parameters = tuple(found)
        self._places = _places(self._parameters, marks)
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        self._convert: Callable[..., Iterable[Sequence[Any]]] | None = (
            compiler.apply_converters if converters else None
        )
        self._converters = converters

    def rows(self, **values: Any) -> list[Row]:
        """Run it with these values; a list that is shorter than its marks is filled up.

        An empty list is an error: there is no value that certainly matches nothing.
        """
        parameters = list(self._parameters)
        for name, places in self._places.items():
            _put(parameters, places, values[name])
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            found: list[Row] = cursor.fetchall()
        if self._convert is None or not found:
            return found
        return [tuple(row) for row in self._convert(found, self._converters)]


_made: dict[tuple[Any, ...], Statement] = {}


def statement(
    key: tuple[Any, ...], make: Callable[[], tuple[QuerySet[Any, Any], Marks]]
) -> Statement:
    """The statement of a key, compiled at first use in this process."""
    of_database = (connection.vendor, *key)
    found = _made.get(of_database)
    if found is None:
        found = _made[of_database] = Statement(*make())
    return found


def _places(parameters: Sequence[Any], marks: Marks) -> dict[str, list[list[int]]]:
    """For each mark, and each of a list of marks, where it stands."""
    places: dict[str, list[list[int]]] = {}
    for name, mark in marks.items():
        every = mark if isinstance(mark, list) else [mark]
        adapted = [_adapted(each) for each in every]
        places[name] = [
            [at for at, parameter in enumerate(parameters) if _is(parameter, each)]
            for each in adapted
        ]
        if not all(places[name]):
            raise ValueError(f"The mark of {name!r} does not stand in the statement.")
    return places


def _is(parameter: Any, mark: Any) -> bool:
    if isinstance(mark, int):  # PostgreSQL's driver has kinds of integers of its own
        return isinstance(parameter, int) and parameter == mark
    return type(parameter) is type(mark) and bool(parameter == mark)


def _put(parameters: list[Any], places: Sequence[Sequence[int]], value: Any) -> None:
    values = [_adapted(each) for each in (value if isinstance(value, list) else [value])]
    missing = len(places) - len(values)
    if not values or missing < 0:
        raise ValueError(f"{len(values)} values for {len(places)} places.")
    for at, each in zip(places, values + values[:1] * missing, strict=True):
        for place in at:
            parameters[place] = each


def _adapted(value: Any) -> Any:
    """A value as the database's driver takes it."""
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value
