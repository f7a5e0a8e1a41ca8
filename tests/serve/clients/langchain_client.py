"""langchain-openai: invoke and stream."""
import sys

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="demo", base_url=sys.argv[1], api_key="none", max_tokens=64, max_retries=0)
text = model.invoke("What is the capital of France?").content
assert text == "The capital of France is Paris.", text
parts = [chunk.content for chunk in model.stream("What is the capital of France?")]
assert "".join(parts) == text and len(parts) > 2, parts
print("ok")
