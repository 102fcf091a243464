"""The PyTorch module: its results against exact ones, its use in a model, and its saved state."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.optional import import_optional, needs
from support.serving_data import (
    COLUMNS,
    compute_exact_scores,
    error_in_roundings,
    make_maps,
    run_without_dasknorm,
    stack_channels,
)

import dasknorm as dn
from dasknorm.errors import MismatchError

torch = import_optional("torch")
pytestmark = needs("torch")

DS = make_maps()
ASKED = ["sst", ("t", 500), ("t", 1000)]
AXES = ("time", "channel", "lat", "lon")
FRAME = pd.DataFrame(COLUMNS).astype("f4")


def module_of_maps(**settings):
    """Return the module of three channels of maps."""
    return dn.adapt(DS, over=("time", "lat", "lon")).to_torch(ASKED, AXES, **settings)


def batch():
    """Return a batch of maps with these channels; one value is missing."""
    return torch.from_numpy(stack_channels(DS, ASKED, AXES))


@pytest.mark.parametrize("name", COLUMNS)
def test_scores_are_exact_to_float32(name):
    """Scores of float32 batches are within 4 roundings of the exact ones, offsets of 1e8 too."""
    x = FRAME[[name]].to_numpy()
    z = dn.adapt(x).to_torch()(torch.tensor(x))
    assert z.dtype == torch.float32
    assert error_in_roundings(z.numpy(), compute_exact_scores(x)).max() < 4


@pytest.mark.parametrize("name", COLUMNS)
def test_inverse_is_within_roundings(name):
    """What was normalized comes back, to 6 roundings of the number or its distance to the mean."""
    x = FRAME[[name]].to_numpy()
    module = dn.adapt(x).to_torch()
    back = module.inverse(module(torch.tensor(x))).numpy().astype("f8")
    wide = x.astype("f8")
    size = np.maximum(np.abs(wide), np.abs(wide - wide.mean()))
    assert (np.abs(back - wide) <= 6 * 2.0**-24 * size).all()


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=20),
    st.floats(-1e8, 1e8, width=32),
)
def test_scores_of_anything(values, offset):
    """Whatever is normalized agrees with normalize in float64 to a few roundings of float32."""
    x = (np.array(values) + offset).astype("f4").reshape(-1, 1)
    stats = dn.adapt(x)
    z = stats.to_torch()(torch.tensor(x)).numpy()
    exact = stats.normalize(x.astype("f8"))
    np.testing.assert_allclose(z, exact, rtol=2.0**-21, atol=2.0**-20)


def test_channels_agree_with_normalize():
    """Channels of variables and levels agree with normalize, and missing values stay so."""
    module = module_of_maps()
    assert module.channels == ("sst", ("t", 500), ("t", 1000))
    z = dn.adapt(DS, over=("time", "lat", "lon")).normalize(DS)
    np.testing.assert_allclose(
        module(batch()).numpy(), stack_channels(z, ASKED, AXES), rtol=1e-6, atol=1e-7
    )
    t = dn.adapt(DS, over="time").to_torch(["t"], AXES)
    full = torch.from_numpy(DS["t"].values.copy())
    assert int(torch.isnan(t(full)).sum()) == 1


def test_float64_constants_give_what_normalize_gives():
    """Calculated in float64 and rounded once, a float32 batch gives what normalize gives."""
    stats = dn.adapt(FRAME)
    for dtype in ("float64", np.float64, torch.float64):
        module = stats.to_torch(dtype=dtype)
        z = module(torch.tensor(FRAME.to_numpy()))
        assert (module.shift.dtype, z.dtype) == (torch.float64, torch.float32)
        np.testing.assert_allclose(z, stats.normalize(FRAME).to_numpy(), rtol=2.0**-23)


def test_constant_features():
    """A constant feature is 0, also where float32 has no digits for its mean in one part."""
    x = np.full((3, 1), 16_777_217.0)
    module = dn.adapt(x).to_torch()
    assert module(torch.tensor(x)).tolist() == [[0.0]] * 3
    assert dn.adapt(x.astype("f4")).to_torch()(torch.ones(1, 1) * 16_777_216.0).item() == 0.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_batch_keeps_its_dtype(dtype):
    """A batch of any floating dtype comes out in it, calculated in at least float32."""
    dtype = getattr(torch, dtype)
    for stats in (dn.adapt(np.array([[-3.0], [5.0]])), dn.adapt(np.array([-3.0, 5.0]))):
        module = stats.to_torch()
        x = torch.tensor([[-3.0], [0.1], [5.0]]).to(dtype)
        z = module(x)
        assert z.dtype == module.inverse(z).dtype == dtype
        exact = (x.double() - 1.0) / 4.0
        assert (z.double() - exact).abs().max() <= torch.finfo(dtype).eps / 2


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "bool"])
def test_integers_become_floats(dtype):
    """A batch of integers comes out in the dtype of the constants."""
    module = dn.adapt(np.array([[0.0], [2.0]])).to_torch()
    z = module(torch.tensor([[0], [1]]).to(getattr(torch, dtype)))
    assert (z.dtype, z.tolist()) == (torch.float32, [[-1.0], [0.0]])


@pytest.mark.parametrize("how", ["half", "bfloat16", "double", "to", "to_other"])
def test_constants_keep_their_dtype_in_a_model(how):
    """Halving a model leaves the constants whole: 1e4 has no digit after the point in float16."""
    model = torch.nn.Sequential(dn.adapt(FRAME).to_torch(), torch.nn.Linear(5, 2))
    before = {name: buffer.clone() for name, buffer in model[0].named_buffers()}
    moves = {
        "to": lambda: model.to(torch.bfloat16),
        "to_other": lambda: model.to(torch.zeros(1).half()),
    }
    moves.get(how, getattr(model, how, None))()
    assert model[1].weight.dtype != torch.float32
    for name, buffer in model[0].named_buffers():
        assert torch.equal(buffer, before[name])


def test_moves_with_the_model():
    """Buffers follow a model to another device, a dtype asked for at once or not."""
    model = torch.nn.Sequential(module_of_maps()).to("meta", torch.float16)
    assert {b.device.type for b in model.buffers()} == {"meta"}
    assert {b.dtype for b in model.buffers()} == {torch.float32}
    model.to_empty(device="cpu").load_state_dict(torch.nn.Sequential(module_of_maps()).state_dict())
    torch.testing.assert_close(model(batch()), module_of_maps()(batch()), rtol=0, atol=0)


def test_no_parameters_but_buffers():
    """There is nothing to train, and an optimizer finds nothing."""
    module = module_of_maps()
    assert list(module.parameters()) == []
    assert sorted(module.state_dict()) == ["scale", "shift", "shift_rest"]
    assert "3x1x1" in repr(module)
    assert "('t', 500)" in repr(module)


def test_gradients_flow():
    """The gradient of a score is 1 / scale, and that of the inverse the scale."""
    module = dn.adapt(FRAME).to_torch()
    x = torch.tensor(FRAME.to_numpy()[:3], requires_grad=True)
    module(x).sum().backward()
    torch.testing.assert_close(x.grad, (1 / module.scale).expand(3, 5))
    z = torch.zeros(3, 5, requires_grad=True)
    module.inverse(z).sum().backward()
    torch.testing.assert_close(z.grad, module.scale.expand(3, 5))


@pytest.mark.parametrize("shape", [(2, 1, 4, 6), (2, 5, 4, 6), (3,), ()], ids=str)
def test_another_number_of_channels_is_refused(shape):
    """A batch of one channel, or of too many, is an error and is not broadcast."""
    for one_way in (module_of_maps(), module_of_maps().inverse):
        with pytest.raises(ValueError, match=r"does not fit statistics .*\(-3, 3\)"):
            one_way(torch.zeros(shape))


def test_any_batch_of_the_axes_kept():
    """Axes that are not kept may be of any size, and more may come in front."""
    module = module_of_maps()
    for shape in [(3, 9, 9), (7, 3, 1, 2), (2, 2, 3, 4, 6), (0, 3, 4, 6)]:
        assert module(torch.zeros(shape)).shape == shape


def test_state_dict_there_and_back(tmp_path):
    """Numbers saved with a model's state are read into a module made of other numbers."""
    torch.save(torch.nn.Sequential(module_of_maps()).state_dict(), tmp_path / "state.pt")
    other = dn.adapt(DS + 5, over=("time", "lat", "lon")).to_torch(ASKED, AXES)
    model = torch.nn.Sequential(other)
    model.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    torch.testing.assert_close(model(batch()), module_of_maps()(batch()), rtol=0, atol=0)


def test_copies_and_pickles():
    """A module is copied and pickled as any other."""
    module = module_of_maps()
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert other.channels == module.channels
        assert torch.equal(other(batch()), module(batch()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own: it prefers torch.export
def test_torchscript(tmp_path):
    """Scripted, it maps both ways, and runs where dasknorm is not installed."""
    module = module_of_maps()
    torch.jit.script(module).save(tmp_path / "module.pt")
    x = batch()
    torch.save((x, module(x), module.inverse(x)), tmp_path / "values.pt")
    text = run_without_dasknorm(
        "import torch\n"
        f"module = torch.jit.load({str(tmp_path / 'module.pt')!r})\n"
        f"x, z, back = torch.load({str(tmp_path / 'values.pt')!r})\n"
        "print(torch.equal(module(x), z), torch.equal(module.inverse(x), back))\n"
        "try: module(x[:, :1])\n"
        "except Exception as error: print('does not fit' in str(error))"
    )
    assert text.split() == ["True", "True", "True"]


def test_export(tmp_path):
    """Exported inside of a model, with batches of any size, it runs without dasknorm."""
    model = torch.nn.Sequential(module_of_maps(), torch.nn.Conv2d(3, 2, 1))
    x = torch.nan_to_num(batch())
    exported = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(exported, tmp_path / "model.pt2")
    torch.save((x[:3], model(x[:3]).detach()), tmp_path / "values.pt")
    text = run_without_dasknorm(
        "import torch\n"
        f"model = torch.export.load({str(tmp_path / 'model.pt2')!r}).module()\n"
        f"x, y = torch.load({str(tmp_path / 'values.pt')!r})\n"
        "print(torch.allclose(model(x), y))"
    )
    assert text == "True"


def test_compile():
    """It is compiled whole, without a break of the graph, both ways."""
    module = module_of_maps()
    for one_way in (module, module.inverse):
        compiled = torch.compile(one_way, fullgraph=True, backend="aot_eager")
        assert torch.equal(compiled(batch()), one_way(batch()))


def test_a_loader_of_constants():
    """Constants go with a dataset to the workers of a DataLoader, which normalize there."""
    stats = dn.adapt(FRAME)

    class Rows(torch.utils.data.Dataset):
        """Rows of a frame, normalized one by one."""

        constants = stats.to_numpy()
        values = FRAME.to_numpy()

        def __len__(self):
            return len(self.values)

        def __getitem__(self, i):
            c = self.constants
            return (self.values[i] - c["shift"] - c["shift_rest"]) / c["scale"]

    loader = torch.utils.data.DataLoader(Rows(), batch_size=100)
    z = torch.cat(list(loader))
    assert z.dtype == torch.float32
    assert error_in_roundings(z.numpy(), compute_exact_scores(FRAME.to_numpy())).max() < 4


MIXED = {
    "near 0": dn.Extrema(-1.0, 1.0),
    "1e4 ± 1": dn.Transformed("log"),
    "1e8 ± 100": dn.Transformed("sqrt", dn.MaxAbs()),
    "small": dn.Transformed("log1p", dn.Extrema()),
    "large": dn.Transformed("asinh"),
}


def test_functions_of_their_own_channels():
    """Each channel goes through its own function, there and back, in float64 as in float32."""
    stats = dn.adapt(FRAME, MIXED)
    wide = FRAME.astype("f8")
    module = stats.to_torch(list(FRAME), dtype="float64")
    z = module(torch.tensor(wide.to_numpy()))
    np.testing.assert_allclose(z, stats.normalize(wide), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(module.inverse(z), wide, rtol=1e-9)
    narrow = stats.to_torch(list(FRAME))(torch.tensor(FRAME.to_numpy()))
    step = 2.0**-24 * np.log(1e4) / stats.std["1e4 ± 1"]  # what the logarithm is rounded to
    np.testing.assert_allclose(narrow[:, 1], z[:, 1], atol=2 * step)


def test_functions_leave_other_gradients_alone():
    """Negative numbers of other channels do not make NaN of a gradient through a logarithm."""
    stats = dn.adapt(FRAME, MIXED)
    x = torch.tensor(FRAME.to_numpy(), requires_grad=True)
    module = stats.to_torch(list(FRAME))
    (module(x).sum() + module.inverse(module(x)).sum()).backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's own: it prefers torch.export
def test_functions_in_torchscript_and_export():
    """Functions go where the module goes: scripts, exported and compiled graphs, state."""
    stats = dn.adapt(FRAME, MIXED)
    module, x = stats.to_torch(list(FRAME)), torch.tensor(FRAME.to_numpy())
    scripted = torch.jit.script(module)
    assert torch.equal(scripted(x), module(x))
    assert torch.equal(scripted.inverse(x / 1e9), module.inverse(x / 1e9))
    assert torch.equal(torch.export.export(module, (x,)).module()(x), module(x))
    assert torch.equal(torch.compile(module, fullgraph=True, backend="aot_eager")(x), module(x))
    module.load_state_dict(module.state_dict())
    assert "Function(log1p)" in repr(module)


def test_statistics_by_group_are_refused():
    """A module does not know the group of a sample."""
    with pytest.raises(MismatchError, match="group"):
        dn.adapt(FRAME.assign(k=1), by="k").to_torch()


def test_constants_of_few_digits_are_refused():
    """Constants in bfloat16 would be wrong ones."""
    with pytest.raises(TypeError, match="float32 or float64"):
        module_of_maps(dtype=torch.bfloat16)
