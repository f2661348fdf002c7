"""OpenAI's Python library against a running stack: BASE_URL, AZURE_ENDPOINT and API_KEY say where it is."""

import json
import os
import time

import openai
import pytest
from pydantic import BaseModel

KEY = os.environ["API_KEY"]
CLIENTS = {
    "OpenAI": lambda key=KEY: openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=key, max_retries=0),
    "AzureOpenAI": lambda key=KEY: openai.AzureOpenAI(
        azure_endpoint=os.environ["AZURE_ENDPOINT"], api_version="2025-04-01-preview", api_key=key, max_retries=0
    ),
}
CHAT, EMBEDDING = "gpt-5.4-mini", "text-embedding-3-small"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(params=CLIENTS)
def make(request):
    return CLIENTS[request.param]


@pytest.fixture
def client(make):
    with make() as c:
        yield c


def user(text):
    return [{"role": "user", "content": text}]


def test_chat(client):
    answer = client.chat.completions.create(model=CHAT, messages=user("Say grüß Gott"))
    assert answer.choices[0].message.content == "grüß Gott"
    assert answer.usage.total_tokens > 0


@pytest.mark.parametrize("usage", [False, True])
def test_stream(client, usage):
    options = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(client.chat.completions.create(model=CHAT, messages=user("Say one two three"), stream=True, **options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "one two three"
    assert any(c.usage for c in chunks) == usage


def test_async_stream():
    import asyncio

    async def run():
        async with openai.AsyncOpenAI(base_url=os.environ["BASE_URL"], api_key=KEY) as c:
            stream = await c.chat.completions.create(model=CHAT, messages=user("Say one two"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    assert asyncio.run(run()) == "one two"


def test_tools(client):
    messages = user("What is the weather in Paris?")
    message = client.chat.completions.create(model=CHAT, messages=messages, tools=[WEATHER]).choices[0].message
    (call,) = message.tool_calls
    assert call.function.arguments == '{"city":"Paris"}'
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": '{"sky":"clear"}'}]
    answer = client.chat.completions.create(model=CHAT, messages=messages, tools=[WEATHER])
    assert "sky clear" in answer.choices[0].message.content


def test_parse(client):
    class Event(BaseModel):
        day: str
        participants: list[str]

    answer = client.chat.completions.parse(model=CHAT, messages=user("Alice meets Bob on Friday."), response_format=Event)
    assert answer.choices[0].message.parsed.day == "Friday"


def test_embeddings(client):
    # base64 on the wire unless another format is asked for
    default = client.embeddings.create(model=EMBEDDING, input=["a", "b"], dimensions=8)
    floats = client.embeddings.create(model=EMBEDDING, input=["a", "b"], dimensions=8, encoding_format="float")
    assert [len(d.embedding) for d in default.data] == [8, 8]
    assert default.data[1].embedding == pytest.approx(floats.data[1].embedding, rel=1e-6)


def test_responses(client):
    answer = client.responses.create(model=CHAT, input="Say hello there")
    assert answer.output_text == "hello there"
    assert client.responses.retrieve(answer.id).output_text == "hello there"
    client.responses.delete(answer.id)
    with client.responses.stream(model=CHAT, input="Say hello there") as stream:
        assert stream.get_final_response().output_text == "hello there"


def test_models(client):
    assert CHAT in [m.id for m in client.models.list()]
    assert client.models.retrieve(CHAT).id == CHAT


def test_errors(client, make):
    with pytest.raises(openai.NotFoundError) as e:
        client.chat.completions.create(model="nobody", messages=user("x"))
    assert (e.value.code, e.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as e:
        client.chat.completions.create(model=CHAT, messages=user("trigger-hate"))
    assert e.value.code == "content_filter" and e.value.body["innererror"]["content_filter_result"]["hate"]["filtered"]
    with pytest.raises(openai.RateLimitError) as e:
        client.chat.completions.create(model=CHAT, messages=user("[[fault: 429;retry-after=60]]"))
    assert e.value.response.headers["retry-after"] == "60"
    with pytest.raises(openai.AuthenticationError) as e:
        make("sk-wrong").models.list()
    assert e.value.code == "invalid_api_key"


def test_cut_stream(client):
    with pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=CHAT, messages=user("Say a b c d e [[fault: cut;after=3]]"), stream=True):
            pass


def test_retries(make):
    # a deployment that no other test has had rest
    patient = make().with_options(max_retries=2)
    answer = patient.chat.completions.create(model="gpt-4.1", messages=user(f"Say hello [[fault: 503;times=4;after={os.getpid()}]]"))
    assert answer.choices[0].message.content.startswith("hello")


def test_raw_headers(client):
    raw = client.chat.completions.with_raw_response.create(model=CHAT, messages=user("Say hello"))
    for name in ("x-request-id", "apim-request-id", "x-ratelimit-remaining-tokens", "x-ms-region"):
        assert raw.headers.get(name), name
    assert raw.parse().choices[0].message.content == "hello"


def batch_line(custom_id, word, model=CHAT):
    body = {"model": model, "messages": user(f"Say {word}")}
    line = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, ensure_ascii=False) + "\n"


def create_batch(client, file):
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def ended(client, batch):
    deadline = time.monotonic() + 60
    while batch.status not in ("completed", "failed", "cancelled") and time.monotonic() < deadline:
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    return batch


def test_batch(client):
    text = batch_line("a", "grüß") + batch_line("b", "no", model="nobody")
    file = client.files.create(purpose="batch", file=("ä b.jsonl", text.encode()))
    assert (file.filename, file.bytes, file.purpose) == ("ä b.jsonl", len(text.encode()), "batch")
    assert client.files.content(file.id).content == text.encode()
    batch = ended(client, create_batch(client, file))
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 1, 1)
    answer = json.loads(client.files.content(batch.output_file_id).text)
    assert answer["response"]["body"]["choices"][0]["message"]["content"] == "grüß"
    assert json.loads(client.files.content(batch.error_file_id).text)["error"]["code"] == "model_not_found"
    assert batch.id in [b.id for b in client.batches.list(limit=1)]
    files = [f.id for f in client.files.list(purpose="batch_output", limit=1)]
    assert batch.output_file_id in files and batch.error_file_id in files and file.id not in files
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_batch_cancelled(client):
    file = client.files.create(purpose="batch", file=("a.jsonl", batch_line("a", "one").encode()))
    batch = create_batch(client, file)
    assert client.batches.cancel(batch.id).status == "cancelling"
    assert ended(client, batch).status == "cancelled"


def test_upload_in_parts(client, tmp_path):
    path = tmp_path / "big.jsonl"
    path.write_text(batch_line("a", "x" * 5000) * 2000)
    with pytest.raises(openai.APIStatusError) as e:
        client.files.create(purpose="batch", file=path)
    assert e.value.status_code == 413 and "part_size" in e.value.message
    upload = client.uploads.upload_file_chunked(
        file=path, mime_type="application/jsonl", purpose="batch", part_size=4_000_000
    )
    assert upload.status == "completed"
    assert client.files.content(upload.file.id).content == path.read_bytes()
