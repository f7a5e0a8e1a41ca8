"""Holds both forms of the fine-tuning loss, on a model's weights, against `unmask score --samples exact`:

    UNMASK=path/to/unmask python test_score.py [MODEL]

The weights are f32 on both sides; MODEL is a folder, the demo model unless said.
"""
import json, math, os, subprocess, sys, unittest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
import objective
from model import LLaDA, Config
from sft import special
from test_objective import exact

UNMASK = os.environ['UNMASK']
FOLDER = sys.argv.pop(1) if sys.argv[1:] else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
PAIRS = [('The capital of France is', ' Paris.'), ('What is 2 + 2?', ' 2 + 2 = 4'), ('Hello', '! How are you?')]


class Score(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config = json.load(open(f'{FOLDER}/config.json'))
        cls.m = LLaDA(Config(**{k: config[k] for k in Config.__dataclass_fields__ if k in config})).eval()
        cls.m.load_state_dict({k: v.float() for k, v in load_file(f'{FOLDER}/model.safetensors').items()})
        tok = Tokenizer.from_file(f'{FOLDER}/tokenizer.json')
        cls.mask = special(tok, '<|mdm_mask|>')
        ids = lambda text: tok.encode(text, add_special_tokens=False).ids
        cls.rows = [(ids(context), ids(context + continuation)) for context, continuation in PAIRS]
        lines = ''.join(json.dumps(dict(context=c, continuation=a)) + '\n' for c, a in PAIRS)
        command = [UNMASK, 'score', '-', '-q', '-m', FOLDER, '--precision', 'f32', '--samples', 'exact', '--format', 'json']
        said = subprocess.run(command, input=lines, capture_output=True, text=True)
        if said.returncode: raise RuntimeError(said.stderr)
        cls.lls = [it['ll'] for it in json.loads(said.stdout)['texts']]

    def each(self):
        for (context, whole), ll in zip(self.rows, self.lls, strict=True):
            x = torch.tensor([whole])
            answer = torch.arange(x.shape[1])[None] >= len(context)
            yield x, answer, ll, int(answer.sum())

    def test_every_mask_comes_to_what_score_says(self):
        for x, answer, ll, _ in self.each():
            self.assertAlmostEqual(-exact(self.m, x, answer), ll, delta=1e-3)

    @torch.no_grad()
    def test_both_losses_have_it_as_their_mean(self):
        for x, answer, ll, n in self.each():
            errors = []
            for make in (lambda x, a: objective.sft(x, a, self.mask, eps=1e-6), lambda x, a: objective.sft_low_variance(x, a, self.mask)):
                torch.manual_seed(11)
                rows = x.expand(64, -1).contiguous()
                v = n * torch.tensor([objective.loss(self.m, rows, make(rows, answer.expand_as(rows))).item() for _ in range(40)])
                mean, error = v.mean().item(), v.std().item() / math.sqrt(len(v))
                print(f'{make.__code__.co_names[1]:<18} {mean:8.4f} ± {error:.4f}, score says {-ll:.4f}')
                self.assertLess(abs(mean + ll), 5 * error + 1e-3)
                errors.append(error)
            self.assertLess(errors[1], errors[0], 'the low-variance form has less noise')


if __name__ == '__main__':
    unittest.main()
