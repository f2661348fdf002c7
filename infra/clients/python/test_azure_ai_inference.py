"""azure-ai-inference, Azure's library for any model, against a running stack: BASE_URL and API_KEY say where it is."""

import os

import pytest
from azure.ai.inference import ChatCompletionsClient
from azure.ai.inference.models import UserMessage
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceNotFoundError


@pytest.fixture
def urls():
    return []


@pytest.fixture
def complete(urls):
    key = AzureKeyCredential(os.environ["API_KEY"])
    with ChatCompletionsClient(
        endpoint=os.environ["BASE_URL"],
        credential=key,
        retry_total=0,
        raw_request_hook=lambda r: urls.append(r.http_request.url),
    ) as client:
        yield lambda text, model="gpt-5.4-mini", **options: client.complete(
            model=model, messages=[UserMessage(text)], **options
        )


def test_complete(complete, urls):
    answer = complete("Say grüß Gott")
    assert answer.choices[0].message.content == "grüß Gott"
    assert answer.usage.total_tokens > 0
    # The version is the library's own, whatever the base. Azure's v1 paths take no dated one.
    assert [url.partition("?")[2] for url in urls] == ["api-version=2024-05-01-preview"]


def test_stream(complete):
    chunks = list(complete("Say one two three", stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "one two three"


def test_error(complete):
    with pytest.raises(ResourceNotFoundError) as e:
        complete("x", model="nobody")
    assert (e.value.status_code, e.value.error.code) == (404, "model_not_found")
