"""openai for Python: answers, streams, steps beside them, counts, errors."""
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
question = [{"role": "user", "content": "What is the capital of France?"}]

assert [model.id for model in client.models.list()] == ["demo"]
answer = client.chat.completions.create(model="demo", messages=question, max_completion_tokens=64)
text = answer.choices[0].message.content
assert text == "The capital of France is Paris.", text
assert answer.usage.completion_tokens == 9, answer.usage
assert answer.unmask["event"] == "done"

parts, events, usage = [], [], None
for chunk in client.chat.completions.create(
    model="demo", messages=question, stream=True, stream_options={"include_usage": True},
    extra_body={"unmask": {"stream": "steps"}},
):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
    if getattr(chunk, "unmask", None):
        events.append(chunk.unmask["event"])
    usage = chunk.usage or usage
assert "".join(parts) == text, parts
assert events[0] == "start" and events[-1] == "done" and events.count("step") == 32, events
assert usage.total_tokens == answer.usage.total_tokens

with client.chat.completions.stream(model="demo", messages=question) as stream:
    assert stream.get_final_completion().choices[0].message.content == text

answer = client.chat.completions.create(model="demo", messages=question, logprobs=True, top_logprobs=2)
assert len(answer.choices[0].logprobs.content) == 9

hole = client.completions.create(model="demo", prompt="The capital of", suffix=" is Paris.", max_tokens=2)
assert isinstance(hole.choices[0].text, str)

try:
    client.chat.completions.create(model="demo", messages=question, tools=[{"type": "function", "function": {"name": "f"}}])
    raise SystemExit("tools were accepted")
except openai.BadRequestError as error:
    assert error.code == "unsupported_parameter" and error.param == "tools", error
try:
    client.chat.completions.create(model="other", messages=question)
    raise SystemExit("another model was accepted")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error
print("ok")
