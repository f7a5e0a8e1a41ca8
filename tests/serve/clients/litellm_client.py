"""litellm, as it asks any server of this kind."""
import sys

import litellm

litellm.telemetry = False
asked = {
    "model": "openai/demo", "api_base": sys.argv[1], "api_key": "none",
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
}
text = litellm.completion(**asked).choices[0].message.content
assert text == "The capital of France is Paris.", text
chunks = list(litellm.completion(**asked, stream=True))
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
steps = litellm.completion(**asked, stream=True, extra_body={"unmask": {"stream": "steps"}})
assert "".join(chunk.choices[0].delta.content or "" for chunk in steps) == text
print("ok")
