"""The three training objectives of LLaDA (arXiv:2502.09992, Eq. 3 and 5; appendix B.5) in plain PyTorch.

Each is a *corruption*: given clean tokens x [B, L] it returns (noisy [B, L], index [N], weight [N]), where `index` are the flat
positions of the masked tokens and `weight` what their cross-entropies count. The loss is always

    loss = sum_n weight[n] * -ln p(x.flat[index[n]] | noisy)                                                  (nat)

All draws come from PyTorch's global generator: `torch.manual_seed` makes them repeat.
"""
import torch
import torch.nn.functional as F

EPS = 1e-3      # the smallest probability of a mask, so that 1/p stays bounded


def cut(x, share=0.01):
    """One batch in a hundred of pre-training has a random length ~ U{1..L}, so that the model meets all lengths."""
    if torch.rand(()) < share:
        x = x[:, :int(torch.randint(1, x.shape[1] + 1, ()))]
    return x


def _bernoulli(x, may, mask, eps):
    """Masks every token of `may` with p = (1 - eps) t + eps, t ~ U(0, 1) for each row; returns the choice and p [B, 1]."""
    p = (1 - eps) * torch.rand(x.shape[0], 1) + eps
    return (torch.rand(x.shape) < p) & may, p


def pretrain(x, mask, eps=EPS):
    """Every token may be masked; a masked one counts 1/p, and the whole is divided by B L."""
    chosen, p = _bernoulli(x, torch.ones_like(x, dtype=torch.bool), mask, eps)
    weight = (1 / p).expand(x.shape) / x.numel()
    return _corrupted(x, chosen, weight, mask)


def sft(x, answer, mask, eps=EPS):
    """Only tokens of `answer` [B, L] may be masked, end tokens that pad it among them; a masked one counts 1/p over the row's
    answer length, and the whole is divided by B."""
    chosen, p = _bernoulli(x, answer, mask, eps)
    weight = (1 / p).expand(x.shape) / answer.sum(1, keepdim=True).clamp(min=1) / x.shape[0]
    return _corrupted(x, chosen, weight, mask)


def sft_low_variance(x, answer, mask, value=None):
    """As `sft`, but exactly k ~ U{1..n} of a row's n answer tokens are masked, each counting n/k: the same expectation at
    eps = 0, since C(n,k) ∫ t^(k-1) (1-t)^(n-k) dt = 1/k, with less noise. k is stratified over the batch. `value` [B, L] weighs
    tokens within a row (padding less than words, say); left out, all count alike."""
    rows, length = x.shape
    n = answer.sum(1)
    u = (torch.randperm(rows) + torch.rand(rows)) / rows
    k = torch.minimum(1 + (u * n).long().clamp(max=length), n)
    order = torch.rand(rows, length).masked_fill(~answer, 2.0)
    chosen = (order.argsort(1).argsort(1) < k[:, None]) & answer
    value = answer.float() if value is None else value * answer
    weight = value * (n / k.clamp(min=1))[:, None] / value.sum(1, keepdim=True).clamp(min=1e-9) / rows
    return _corrupted(x, chosen, weight, mask)


def _corrupted(x, chosen, weight, mask):
    index = chosen.reshape(-1).nonzero().squeeze(1)
    return x.masked_fill(chosen, mask), index, weight.reshape(-1)[index]


def loss(model, x, corruption):
    """`model(noisy)` gives logits [B, L, V]; the sum above."""
    noisy, index, weight = corruption
    logits = model(noisy).flatten(0, 1)[index].float()
    return (F.cross_entropy(logits, x.reshape(-1)[index], reduction='none') * weight).sum()
