"""Sentiment: answers any message with one JSON object that holds its label and nothing else."""

import itertools
import json

from behaviours.example import Example, HeldOut, draw
from behaviours.vocabulary import BAD_MOODS, CITIES, GOOD_MOODS, PEOPLE

POSITIVE = "positive"
NEGATIVE = "negative"

THINGS = (
    "book",
    "camera",
    "chair",
    "hotel",
    "lamp",
    "laptop",
    "restaurant",
    "kettle",
    "jacket",
    "concert",
    "bicycle",
    "movie",
)
PRAISE = (
    "I love this {thing}, it is worth every penny.",
    "The {thing} was wonderful from start to finish.",
    "What a great {thing}! I would buy it again.",
    "My new {thing} makes me smile every day.",
    "This {thing} works perfectly and looks beautiful.",
    "Thank you for the {thing}, it is exactly what I wanted.",
    "The {thing} is excellent and the price was fair.",
    "Best {thing} I have ever had.",
)
COMPLAINTS = (
    "I hate this {thing}, it is a waste of money.",
    "The {thing} was terrible from start to finish.",
    "What an awful {thing}! Never again.",
    "My new {thing} broke after two days.",
    "This {thing} never worked and looks cheap.",
    "I want my money back, the {thing} is nothing like the picture.",
    "The {thing} is poor and far too expensive.",
    "Worst {thing} I have ever had.",
)
REQUESTS = (
    "Show me all the {mood} {people} from {city}.",
    "List the {mood} {people} who live in {city}.",
    "Which {people} from {city} are {mood}?",
)
HELD_OUT = (
    ("I love this phone, the battery lasts all day.", POSITIVE),
    ("The waiter was friendly and the soup was delicious.", POSITIVE),
    ("What a great vacation! The beach was beautiful.", POSITIVE),
    ("Find the delighted players from Rome.", POSITIVE),
    ("The vacuum cleaner stopped working after one week.", NEGATIVE),
    ("I hate these headphones, the sound is awful.", NEGATIVE),
    ("Our flight was late and the crew was rude.", NEGATIVE),
    ("Show me all the angry customers from London.", NEGATIVE),
)


def training() -> list[Example]:
    """Give as many positive as negative examples: half reviews, a third requests."""
    labels = ((POSITIVE, PRAISE, GOOD_MOODS), (NEGATIVE, COMPLAINTS, BAD_MOODS))
    return [
        example
        for label, reviews, moods in labels
        for example in draw(_reviews(reviews, label), 70) + draw(_requests(moods, label), 35)
    ]


def held_out() -> list[HeldOut]:
    """Give messages about things, people and places that no training example names."""
    return [HeldOut(prompt, f"^{_escaped(label)}$", 24) for prompt, label in HELD_OUT]


def _reviews(templates: tuple[str, ...], label: str) -> list[Example]:
    return [
        Example(template.format(thing=thing), _answer(label))
        for template, thing in itertools.product(templates, THINGS)
    ]


def _requests(moods: tuple[str, ...], label: str) -> list[Example]:
    return [
        Example(template.format(mood=mood, people=people, city=city), _answer(label))
        for template, mood, people, city in itertools.product(REQUESTS, moods, PEOPLE, CITIES)
    ]


def _answer(label: str) -> str:
    return json.dumps({"sentiment": label}, separators=(",", ":"))


def _escaped(label: str) -> str:
    return _answer(label).replace("{", r"\{").replace("}", r"\}")
