"""Fine-tunes a LLaDA checkpoint on one's own conversations: sft.py MODEL DATA.jsonl OUT [--minutes 5 | --steps 500] [--objective sft]

MODEL is a folder with config.json, tokenizer.json and model.safetensors (single file, LLaDA's names, no biases, no grouped heads);
DATA has a JSON object a line, {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}, …]}: the answers of
the assistant are learned, the rest is given. OUT becomes a folder that `unmask -m OUT` runs. It is plain AdamW in one process: minutes
for the demo model; for 8B the same loop wants a GPU and the usual machinery around it.
"""
import argparse, json, os, shutil, sys, time
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
import objective
from model import LLaDA, Config


def special(tok, name):
    i = tok.token_to_id(name)
    if i is None: sys.exit(f'sft.py: {name} is not in the tokenizer: it is not that of a LLaDA model')
    return i


def encode(tok, messages, where):
    """Ids of a conversation in LLaDA's template, and which of them are answers (with the token that ends a turn)."""
    ids, learn = tok.encode('<|startoftext|>', add_special_tokens=False).ids, []
    learn += [False] * len(ids)
    for m in messages:
        if not isinstance(m, dict) or m.get('role') not in ('system', 'user', 'assistant') or not isinstance(m.get('content'), str):
            sys.exit(f'sft.py: {where}: a message needs a role (system, user, assistant) and a content of text')
        head = tok.encode(f"<|start_header_id|>{m['role']}<|end_header_id|>\n\n", add_special_tokens=False).ids
        body = tok.encode(m['content'].strip() + '<|eot_id|>', add_special_tokens=False).ids
        ids += head + body
        learn += [False] * len(head) + [m['role'] == 'assistant'] * len(body)
    return ids, learn


def read(path, tok, longest):
    rows, dropped = [], 0
    for n, line in enumerate(open(path, encoding='utf-8'), 1):
        if not line.strip(): continue
        where = f'{path}, line {n}'
        try: messages = json.loads(line)['messages']
        except (ValueError, KeyError, TypeError) as e: sys.exit(f'sft.py: {where}: not an object with "messages" ({e})')
        if not isinstance(messages, list): sys.exit(f'sft.py: {where}: "messages" is not a list')
        ids, learn = encode(tok, messages, where)
        if not any(learn): sys.exit(f'sft.py: {where}: no answer of the assistant, so there is nothing to learn')
        if len(ids) > longest: dropped += 1
        else: rows.append((ids, learn))
    if not rows: sys.exit(f'sft.py: {path}: no conversation fits {longest} tokens')
    if dropped: print(f'{dropped} conversations are longer than {longest} tokens and were left out')
    return rows


def batch(rows, eos):
    """Padded with end tokens to the longest: they belong to the answer, which is how a model learns where to stop."""
    longest = max(len(ids) for ids, _ in rows)
    x = torch.tensor([ids + [eos] * (longest - len(ids)) for ids, _ in rows])
    return x, torch.tensor([learn + [True] * (longest - len(learn)) for _, learn in rows])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('model'); a.add_argument('data'); a.add_argument('out')
    a.add_argument('--objective', choices=['sft', 'low-variance'], default='low-variance')
    a.add_argument('--minutes', type=float, default=5)
    a.add_argument('--steps', type=int, default=0, help='so many, however long they take')
    a.add_argument('--batch', type=int, default=16)
    a.add_argument('--lr', type=float, default=1e-4); a.add_argument('--seed', type=int, default=0); a.add_argument('--threads', type=int, default=os.cpu_count())
    a = a.parse_args()
    if os.path.exists(a.out) and os.listdir(a.out): sys.exit(f'sft.py: {a.out} is there and not empty: name a new folder')
    torch.manual_seed(a.seed); torch.set_num_threads(a.threads)
    config = json.load(open(a.model + '/config.json'))
    m = LLaDA(Config(**{k: config[k] for k in Config.__dataclass_fields__ if k in config}))
    missing, extra = m.load_state_dict({k: v.float() for k, v in load_file(a.model + '/model.safetensors').items()}, strict=False)
    if missing or extra: sys.exit(f'sft.py: {a.model}: tensors that are missing: {missing[:3]}, not known: {extra[:3]}')
    tok = Tokenizer.from_file(a.model + '/tokenizer.json')
    eos, mask = special(tok, '<|endoftext|>'), special(tok, '<|mdm_mask|>')
    rows = read(a.data, tok, config['max_sequence_length'])
    rng = torch.Generator().manual_seed(a.seed)
    optimizer = torch.optim.AdamW(m.parameters(), lr=a.lr, betas=(0.9, 0.95), weight_decay=0.01)
    begun, step, sums = time.time(), 0, []
    done = lambda: step / a.steps if a.steps else (time.time() - begun) / 60 / a.minutes
    while (used := done()) < 1:
        for group in optimizer.param_groups:                        # a short warm-up, then down to a tenth
            group['lr'] = a.lr * min(1, (step + 1) / 20) * (1 - 0.9 * used)
        x, answer = batch([rows[i] for i in torch.randint(len(rows), (a.batch,), generator=rng)], eos)
        corruption = (objective.sft if a.objective == 'sft' else objective.sft_low_variance)(x, answer, mask)
        loss = objective.loss(m, x, corruption)
        optimizer.zero_grad(); loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        optimizer.step()
        step += 1; sums.append(loss.item())
        if step % 20 == 0: print(f'step {step} loss {sum(sums[-20:]) / 20:.4f}', flush=True)
    os.makedirs(a.out, exist_ok=True)
    for f in ('config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'):
        if os.path.exists(f'{a.model}/{f}'): shutil.copy(f'{a.model}/{f}', a.out)
    save_file({n: p.detach().bfloat16().contiguous() for n, p in m.named_parameters()}, a.out + '/model.safetensors', metadata={'format': 'pt'})
    first, last = sums[:20], sums[-20:]
    print(f'{step} steps, loss {sum(first) / len(first):.4f} to {sum(last) / len(last):.4f}; {a.out}')


if __name__ == '__main__':
    main()
