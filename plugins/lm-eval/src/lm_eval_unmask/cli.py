"""`lm-eval-unmask`: the harness's own command line, with `--model unmask`."""


def register() -> None:
    """Makes `--model unmask` known; newer harnesses find it by themselves."""
    import lm_eval.models  # noqa: F401  its own models come first
    from lm_eval.api.registry import model_registry

    if "unmask" not in model_registry:
        model_registry.register("unmask", target="lm_eval_unmask.model:UnmaskLM")


def main() -> None:
    from lm_eval.__main__ import cli_evaluate

    register()
    cli_evaluate()


if __name__ == "__main__":
    main()
