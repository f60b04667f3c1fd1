"""Exact arithmetic on an expression that a model wrote: nothing is executed, nothing can stall.

The expression is parsed by ``ast`` and walked. Numbers are fractions, so that 0.1 + 0.2 is 0.3;
every intermediate result is bounded in size, so that ``9**9**9`` is refused before it is computed.
"""

import ast
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt

LONGEST = 500  # code points of an expression
MOST_NODES = 300
MOST_BITS = 4096  # of a numerator or denominator: about 1,200 digits
_DIGITS = 12  # significant ones of a result that has no end
_LONGEST_SHOWN = 60  # digits of a whole number that is written out

_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "\u00a0": " "})
_PERCENT = re.compile(r"(\d)\s*%(?=\s*(?:$|[-+*/),]|of\b))")
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")


class BadCalculation(ValueError):
    """The expression cannot be calculated; the message says why, in words for the model."""


def calculate(expression: str) -> str:
    """The exact value of an expression, as ``expression = value``.

    Known are ``+ - * / // % **``, parentheses, percentages (``17% of 2340``) and the functions
    abs, max, min, round, sqrt and sum.

    Raises:
        BadCalculation: it is no arithmetic, or too large.
    """
    if len(expression) > LONGEST:
        raise BadCalculation(f"The expression has more than {LONGEST} characters.")
    source = _plain(expression)
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadCalculation("This is no arithmetic expression.") from error
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise BadCalculation("The expression is too long.")
    value, is_exact = _Walk(source).value(tree.body)
    is_exact = is_exact and _ends(value)
    equals = "=" if is_exact else "is about"
    return f"{expression.strip()} {equals} {written(value, is_exact=is_exact)}"


def written(value: Fraction, *, is_exact: bool) -> str:
    """A number in digits: whole or with all its decimals where they end, else twelve digits."""
    if value.denominator == 1:
        digits = str(value.numerator)
        return digits if len(digits) <= _LONGEST_SHOWN else f"{Decimal(digits):.{_DIGITS}e}"
    with localcontext() as context:
        context.prec = _LONGEST_SHOWN if is_exact else _DIGITS
        decimal = Decimal(value.numerator) / Decimal(value.denominator)
        return format(decimal.normalize(), "f") if abs(decimal.adjusted()) < 40 else str(decimal)


def _ends(value: Fraction) -> bool:
    """Whether its decimals end, and soon enough to be written."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and value.denominator < 10**40


def _plain(expression: str) -> str:
    """The signs that people write as those of Python."""
    text = expression.strip().rstrip("=").translate(_SIGNS)
    text = re.sub(_PERCENT, r"\1*1/100", text)
    text = re.sub(r"\bof\b", "*", text)
    if not re.search(r"[A-Za-z]", text):  # between a function's arguments a comma separates
        text = _THOUSANDS.sub(lambda found: found.group().replace(",", ""), text)
    return text


class _Walk:
    """Values of nodes: (fraction, whether it is exact)."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._is_exact = True

    def value(self, node: ast.expr) -> tuple[Fraction, bool]:
        return self._value(node), self._is_exact

    def _value(self, node: ast.expr) -> Fraction:
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.UnaryOp(op=ast.USub()):
                return -self._value(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self._value(node.operand)
            case ast.BinOp():
                return self._operation(node)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self._function(name, self._arguments(node.args))
        raise BadCalculation("Only numbers, + - * / // % ** and a few functions can be used.")

    def _number(self, node: ast.Constant) -> Fraction:
        """From the digits as they are written: a float would have lost some."""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise BadCalculation("Only numbers can be calculated.")
        digits = ast.get_source_segment(self._source, node) or ""
        if isinstance(node.value, float) and abs(_exponent(digits)) > MOST_BITS // 4:
            raise BadCalculation("A number is too large.")
        given = Fraction(node.value) if isinstance(node.value, int) else Fraction(digits)
        return _bounded(given)

    def _arguments(self, nodes: Sequence[ast.expr]) -> list[Fraction]:
        if len(nodes) == 1 and isinstance(nodes[0], ast.List | ast.Tuple):
            nodes = nodes[0].elts
        return [self._value(node) for node in nodes]

    def _operation(self, node: ast.BinOp) -> Fraction:
        work = _OPERATIONS.get(type(node.op))
        if work is None:
            raise BadCalculation("This operation is not known.")
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Pow):
            return self._power(left, right)
        try:
            return _bounded(Fraction(work(left, right)))
        except ZeroDivisionError as error:
            raise BadCalculation("It divides by zero.") from error

    def _power(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent == Fraction(1, 2):
            return self._root(base)
        if exponent.denominator != 1:
            raise BadCalculation("An exponent must be a whole number.")
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent) * size > MOST_BITS and abs(base) != 1:
            raise BadCalculation("The result is too large.")
        if not base and exponent < 0:
            raise BadCalculation("It divides by zero.")
        if abs(base) == 1:
            return base if exponent % 2 else Fraction(1)
        return _bounded(Fraction(base ** int(exponent)))

    def _function(self, name: str, values: list[Fraction]) -> Fraction:
        if name == "round" and len(values) in {1, 2}:
            return self._rounded(*values)
        if name == "sqrt" and len(values) == 1:
            return self._root(values[0])
        if name == "abs" and len(values) == 1:
            return abs(values[0])
        if name == "sum" and values:
            return _bounded(sum(values, Fraction(0)))
        if name in {"max", "min"} and values:
            return max(values) if name == "max" else min(values)
        raise BadCalculation("Known functions are abs, max, min, round, sqrt and sum of numbers.")

    def _rounded(self, value: Fraction, places: Fraction = Fraction(0)) -> Fraction:
        """Halves away from zero, as people round amounts."""
        if places.denominator != 1 or abs(places) > 100:
            raise BadCalculation("round takes a whole number of places, at most 100.")
        unit = Fraction(10) ** int(-places)
        whole = (abs(value) / unit + Fraction(1, 2)).__floor__() * unit
        return _bounded(whole if value >= 0 else -whole)

    def _root(self, value: Fraction) -> Fraction:
        """Exact for squares, else to 30 digits."""
        if value < 0:
            raise BadCalculation("A negative number has no square root.")
        top, bottom = isqrt(value.numerator), isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
        self._is_exact = False
        scale = 10**60
        return Fraction(isqrt(value.numerator * scale // value.denominator), 10**30)


def _exponent(digits: str) -> int:
    found = re.search(r"[eE]([-+]?\d{1,9})", digits)
    return int(found.group(1)) if found else 0


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise BadCalculation("The result is too large.")
    return value


_Work = Callable[[Fraction, Fraction], Fraction | int]
_OPERATIONS: dict[type[ast.operator], _Work] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a,  # computed by _power, which looks at the size first
}
