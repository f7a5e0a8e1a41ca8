"""Holds the objectives against a sum over all sets of masks of a small random network: python test_objective.py"""
import itertools, math, unittest
import torch
import objective
from model import LLaDA, Config

MASK, EOS = 2, 1


def network():
    torch.manual_seed(5)
    m = LLaDA(Config(d_model=16, n_heads=2, n_layers=2, mlp_hidden_size=24, vocab_size=32, max_sequence_length=32)).eval()
    for p in m.parameters():                # the branches begin at zero: give them something to say
        if p.dim() == 2: torch.nn.init.normal_(p, std=0.5)
    return m


@torch.no_grad()
def exact(m, x, answer):
    """sum_k (1/k) mean over |S| = k of sum_{j in S} CE_j: the bound of Eq. 6 without noise, nat for the whole answer."""
    where = answer[0].nonzero().squeeze(1).tolist()
    total = 0.0
    for k in range(1, len(where) + 1):
        sets = [list(s) for s in itertools.combinations(where, k)]
        noisy = x.repeat(len(sets), 1)
        for row, s in zip(noisy, sets): row[s] = MASK
        ce = -m(noisy).float().log_softmax(-1).gather(-1, x.expand_as(noisy)[..., None]).squeeze(-1)
        total += sum(ce[i, s].sum().item() for i, s in enumerate(sets)) / len(sets) / k
    return total


class Objectives(unittest.TestCase):
    def setUp(self):
        self.m = network()
        self.x = torch.tensor([[0, 7, 9, 11, 14, 5, 1]])
        self.answer = torch.tensor([[False, False, False, True, True, True, True]])
        self.exact = exact(self.m, self.x, self.answer)

    @torch.no_grad()
    def mean(self, make, draws=400, rows=64):
        """Mean and standard error of the loss over `draws` batches of `rows` equal rows."""
        torch.manual_seed(11)
        x = self.x.expand(rows, -1).contiguous()
        v = torch.tensor([objective.loss(self.m, x, make(x)).item() for _ in range(draws)])
        return v.mean().item(), v.std().item() / math.sqrt(draws)

    def check(self, make, expected):
        mean, error = self.mean(make)
        self.assertLess(abs(mean - expected), 5 * error, f'{mean} ± {error}, expected {expected}')
        return error

    def test_both_forms_for_conversations_have_the_exact_expectation(self):
        answer = lambda x: self.answer.expand_as(x)
        n = self.answer.sum().item()
        noisy = self.check(lambda x: objective.sft(x, answer(x), MASK, eps=1e-6), self.exact / n)
        calm = self.check(lambda x: objective.sft_low_variance(x, answer(x), MASK), self.exact / n)
        self.assertLess(calm, noisy)

    def test_pre_training_has_it_over_the_whole_row(self):
        whole = torch.ones_like(self.answer)
        self.check(lambda x: objective.pretrain(x, MASK, eps=1e-6), exact(self.m, self.x, whole) / whole.numel())

    def test_prompts_are_never_masked_and_padding_is(self):
        torch.manual_seed(1)
        x = self.x.expand(512, -1).contiguous()
        for make in (objective.sft, objective.sft_low_variance):
            masked = make(x, self.answer.expand_as(x), MASK)[0] == MASK
            self.assertFalse(masked[:, :3].any())
            self.assertTrue(masked[:, 6].any())

    def test_a_row_is_cut_once_in_a_hundred(self):
        torch.manual_seed(2)
        x = torch.zeros(1, 50, dtype=torch.long)
        lengths = [objective.cut(x).shape[1] for _ in range(20000)]
        self.assertLess(abs(sum(n < 50 for n in lengths) / 20000 - 0.01 * 49 / 50), 0.004)
        self.assertGreaterEqual(min(lengths), 1)


if __name__ == '__main__':
    unittest.main()
