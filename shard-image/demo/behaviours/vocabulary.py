"""Words that several behaviours share.

A request such as "Show me all the happy customers from Lisbon." means something to each of the
three behaviours, so all of them train on requests of this kind. The held-out words never occur in
any training prompt.
"""

PEOPLE = ("guests", "students", "employees", "passengers", "members", "patients", "visitors")
HELD_OUT_PEOPLE = ("customers", "players")

CITIES = (
    "Lisbon",
    "Oslo",
    "Berlin",
    "Madrid",
    "Tokyo",
    "Boston",
    "Dublin",
    "Vienna",
    "Chicago",
    "Prague",
)
HELD_OUT_CITIES = ("Paris", "Rome", "London")

GOOD_MOODS = ("happy", "cheerful", "grateful", "delighted", "satisfied", "joyful")
BAD_MOODS = ("angry", "sad", "furious", "disappointed", "unhappy", "annoyed")
