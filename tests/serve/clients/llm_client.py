"""llm, told of the server by its file of models."""
import os
import pathlib
import sys

home = pathlib.Path(os.environ["HOME"]) / "llm"
home.mkdir()
os.environ["LLM_USER_PATH"] = str(home)
(home / "extra-openai-models.yaml").write_text(
    f"- model_id: demo\n  model_name: demo\n  api_base: {sys.argv[1]}\n"
)
import llm  # noqa: E402  It reads the folder when it is imported.

model = llm.get_model("demo")
model.key = "none"
text = model.prompt("What is the capital of France?", stream=False).text()
assert text == "The capital of France is Paris.", text
parts = list(model.prompt("What is the capital of France?", stream=True))
assert "".join(parts) == text and len(parts) > 2, parts
print("ok")
