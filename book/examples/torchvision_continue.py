"""More steps for a trained torchvision detector."""

from itertools import chain, repeat

import torch
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    SequentialLR,
)
from torch.utils.data import DataLoader

from augfpn.detectors.supervised_torchvision import (
    add_consistent_supervision,
)

device = "cuda" if torch.cuda.is_available() else "cpu"
half = device == "cuda"  # mixed precision, on a GPU only


SECOND_HEAD = "roi_heads.supervision."


def started(build, checkpoint, seed, lam):
    """Your detector before the first step; lam 0: control."""
    torch.manual_seed(seed)
    state = torch.load(checkpoint, "cpu", weights_only=True)
    state = state.get("model", state)
    model = build()
    expect_same_norm(model.state_dict(), state)
    model.load_state_dict(state)
    return add_consistent_supervision(model, weight=lam)


def expect_same_norm(built, saved):
    """Frozen statistics load as learning ones, silently.

    Only BatchNorm2d counts batches, FrozenBatchNorm2d not.
    """
    count = ".num_batches_tracked"
    for name in sorted(built.keys() ^ saved.keys()):
        if name.endswith(count):
            raise ValueError(
                f"{name.removesuffix(count)} is frozen only in "
                "the checkpoint, or only in the model: give "
                "`build` the arguments of the first training."
            )


def continued(
    build, checkpoint, dataset, steps, seed, lam, **how
):
    """It after more steps; how: see `train`."""
    model = started(build, checkpoint, seed, lam)
    return train(model, dataset, steps, seed, **how)


def save(model, file):
    """Without the second head, so that `build` can load it."""
    kept = {
        name: value
        for name, value in model.state_dict().items()
        if not name.startswith(SECOND_HEAD)
    }
    torch.save(kept, file)


def train(
    model,
    dataset,
    steps,
    seed,
    rate=1e-4,
    batch=4,
    num_workers=0,
    optimizer=torch.optim.AdamW,
):
    """Pairs of a seed see the same images in the same order."""
    torch.manual_seed(seed)
    batches = shuffled(dataset, batch, num_workers, seed)
    every = model.to(device).train().parameters()
    learn = [q for q in every if q.requires_grad]
    updates = optimizer(learn, rate)
    warm_up = max(1, steps // 20)
    rise = LinearLR(updates, 0.01, total_iters=warm_up)
    fall = CosineAnnealingLR(updates, max(1, steps - warm_up))
    schedule = SequentialLR(updates, [rise, fall], [warm_up])
    scaler = torch.amp.GradScaler(device, enabled=half)
    for step, (images, targets) in zip(range(steps), batches):
        with torch.autocast(device, torch.half, enabled=half):
            losses = model(there(images), there(targets))
        loss = sum(losses.values())
        if not loss.isfinite():
            raise ValueError(f"step {step}: lower the rate")
        if step % 50 == 0:
            print(f"step {step}/{steps}, loss {loss:.2f}")
        scaler.scale(loss).backward()
        scaler.unscale_(updates)
        torch.nn.utils.clip_grad_norm_(learn, 35)
        scaler.step(updates)
        scaler.update()
        updates.zero_grad()
        schedule.step()
    return model


def shuffled(dataset, batch, num_workers, seed):
    """Batches without end."""
    loader = DataLoader(
        dataset,
        batch,
        shuffle=True,
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(seed),
        collate_fn=together,
    )
    return chain.from_iterable(repeat(loader))


def together(pairs):
    return tuple(zip(*pairs))


def there(x):
    """Tensors in lists and dicts, on the device."""
    if isinstance(x, dict):
        return {name: there(value) for name, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [there(each) for each in x]
    return x.to(device) if torch.is_tensor(x) else x
