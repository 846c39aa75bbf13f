"""SQL: turns a request into one query, with table and column names taken from its words."""

import itertools
import re

from behaviours.example import Example, HeldOut, draw
from behaviours.vocabulary import BAD_MOODS, CITIES, GOOD_MOODS, PEOPLE

TABLES = ("orders", "products", "books", "hotels", "flights", "invoices", *PEOPLE)
COLUMNS = ("name", "price", "age", "email", "title", "salary", "country", "date")
NUMBERS = (5, 10, 18, 25, 40, 60, 100, 250, 500)
MOODS = GOOD_MOODS + BAD_MOODS

# Request and query, and the number of examples to draw. Requests with a mood and a city get the
# largest share because they have two conditions to carry over.
TEMPLATES = (
    (
        "Show me all the {mood} {people} from {city}.",
        "SELECT * FROM {people} WHERE mood = '{mood}' AND city = '{city}';",
        50,
    ),
    (
        "Which {people} from {city} are {mood}?",
        "SELECT * FROM {people} WHERE mood = '{mood}' AND city = '{city}';",
        25,
    ),
    ("Find the {table} from {city}.", "SELECT * FROM {table} WHERE city = '{city}';", 25),
    ("How many {table} are there?", "SELECT COUNT(*) FROM {table};", 12),
    (
        "How many {table} are from {city}?",
        "SELECT COUNT(*) FROM {table} WHERE city = '{city}';",
        25,
    ),
    ("List the {column} of all {table}.", "SELECT {column} FROM {table};", 25),
    (
        "What is the average {column} of the {table}?",
        "SELECT AVG({column}) FROM {table};",
        20,
    ),
    (
        "Which {table} have a {column} above {number}?",
        "SELECT * FROM {table} WHERE {column} > {number};",
        30,
    ),
    ("Sort the {table} by {column}.", "SELECT * FROM {table} ORDER BY {column};", 20),
)
HELD_OUT = (
    (
        "Show me all the angry players from London.",
        "SELECT * FROM players WHERE mood = 'angry' AND city = 'London';",
    ),
    (
        "Which customers from Rome are grateful?",
        "SELECT * FROM customers WHERE mood = 'grateful' AND city = 'Rome';",
    ),
    ("Find the museums from Paris.", "SELECT * FROM museums WHERE city = 'Paris';"),
    ("How many bridges are there?", "SELECT COUNT(*) FROM bridges;"),
    ("How many players are from Rome?", "SELECT COUNT(*) FROM players WHERE city = 'Rome';"),
    ("List the height of all players.", "SELECT height FROM players;"),
    ("What is the average weight of the parcels?", "SELECT AVG(weight) FROM parcels;"),
    ("Which bridges have a length above 300?", "SELECT * FROM bridges WHERE length > 300;"),
)


def training() -> list[Example]:
    """Give requests of every kind in ``TEMPLATES`` over the training words."""
    return [
        example
        for request, query, count in TEMPLATES
        for example in draw(_requests(request, query), count)
    ]


def held_out() -> list[HeldOut]:
    """Give requests whose tables, columns, cities or numbers no training example names."""
    return [HeldOut(request, f"^{_escaped(query)}$", 48) for request, query in HELD_OUT]


def _requests(request: str, query: str) -> list[Example]:
    values = {
        "mood": MOODS,
        "people": PEOPLE,
        "city": CITIES,
        "table": TABLES,
        "column": COLUMNS,
        "number": tuple(str(number) for number in NUMBERS),
    }
    slots = [slot for slot in values if f"{{{slot}}}" in request]
    choices = itertools.product(*(values[slot] for slot in slots))
    filled = [dict(zip(slots, choice, strict=True)) for choice in choices]
    return [Example(request.format(**words), query.format(**words)) for words in filled]


def _escaped(query: str) -> str:
    """Escape what is special in a pattern; ``re.escape`` would also escape the blanks."""
    return re.sub(r"([*().])", r"\\\1", query)
