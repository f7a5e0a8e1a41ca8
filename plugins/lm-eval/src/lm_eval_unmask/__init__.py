"""Masked diffusion language models in lm-evaluation-harness, computed by unmask."""
