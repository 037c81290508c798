"""What every test of this suite is given: a client of the official SDK, and one model behind each provider.

All of it comes from the environment:

- FREEHOLD_BASE_URL     where Freehold listens, without /v1
- FREEHOLD_VIRTUAL_KEY  a virtual key that may do everything
- FREEHOLD_NARROW_KEY   a virtual key that is over its rate after the first request
- FREEHOLD_MODELS       one model per provider: openai=…,anthropic=…,ollama=…

The providers are simulators: they repeat what they are told, and `[[sim-…]]` in it makes them behave otherwise.
"""

import os

import anthropic
import openai
import pytest

MODELS = dict(pair.split("=", 1) for pair in os.environ["FREEHOLD_MODELS"].split(","))
BASE_URL = os.environ["FREEHOLD_BASE_URL"]
KEY = os.environ["FREEHOLD_VIRTUAL_KEY"]
NARROW_KEY = os.environ["FREEHOLD_NARROW_KEY"]


@pytest.fixture(params=list(MODELS))
def model(request):
    """The name of a model; every test that asks for it runs once per provider."""
    return MODELS[request.param]


def openai_client(key):
    # Without retries, so that an error is seen as it is.
    return openai.OpenAI(base_url=f"{BASE_URL}/v1", api_key=key, max_retries=0, timeout=30)


def anthropic_client(key):
    return anthropic.Anthropic(base_url=BASE_URL, api_key=key, max_retries=0, timeout=30)


@pytest.fixture(scope="session")
def client():
    with openai_client(KEY) as client:
        yield client


@pytest.fixture(scope="session")
def claude():
    with anthropic_client(KEY) as client:
        yield client
