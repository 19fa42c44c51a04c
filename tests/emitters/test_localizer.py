"""A network of the second paper: its settings checked, its first weights, its number format, its files."""

import random
from dataclasses import replace

import pytest
import torch
from small_emitters import BINARY, FIRST, LOGIT, SINGLE

from rsslib.emitters.localizer import EmitterRecipe, build, load_model, optimizer, save_model
from rsslib.project import InputError


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("setting, value, expected", [
    ("method", "three_stage", "one of single_stage"), ("n", 40, "a multiple of 16"), ("n_max", 7, "1 to 6"),
    ("epochs", 0, "from 1 to"), ("batch_size", 1, "from 2 to"),
    ("learning_rate", "5e-3", "a number above 0"),
    ("precision", "half", "one of auto"), ("seed", -1, "from 0 to"), ("augment", 1, "true or false"),
    ("schedule", "cosine", "one of constant"), ("near_weight", -0.1, "from 0 to"),
    ("muon_rate", float("inf"), "from 0 to"), ("margin_db", 61.0, "at most 60"), ("margin_db", "25", "a number"),
    ("stage", "occupancy", "single_stage has no stage"), ("threads", 4_000_000, "from 1 to 1024"),
    ("n", 736, "at most 724"),
    ("seed", 2**70, "from 0 to"), ("epochs", 10**7, "from 1 to"), ("n", 32.0, "a multiple"),
    ("method", ["x"], "one of"),
    ("powers_dbm", ("10", "40"), "two numbers from"), ("powers_dbm", (10.0, 1e300), "two numbers from"),
    ("powers_dbm", (True, True), "two numbers from"), ("powers_dbm", (1.0, 2.0, 3.0), "two numbers from"),
    ("powers_dbm", 5, "two numbers from -200 to 200"),
    ("powers_dbm", (40.0, 10.0), "two numbers from -200 to 200"),
    ("powers_dbm", (float("nan"), 10.0), "two numbers from -200 to 200")])
def test_settings_are_checked(setting, value, expected):
    with pytest.raises(InputError, match=f"recipe: .*{expected}"):
        EmitterRecipe(**{setting: value})


def test_a_network_has_a_recipe():
    first = EmitterRecipe.of("occupancy", epochs=5)
    assert (first.stage, first.method, first.epochs) == ("occupancy", "two_stage_logit", 5)
    assert EmitterRecipe.of("two_stage_binary") == EmitterRecipe(method="two_stage_binary")
    with pytest.raises(InputError, match="the network is 'two_stage'; expected one of occupancy, single_stage.*other_"):
        EmitterRecipe.of("two_stage")


@pytest.mark.parametrize("beside", [False, True])
def test_the_other_input_is_the_logits_with_the_other_choice_of_readings(beside):
    other = EmitterRecipe.of("other_input", beside=beside, epochs=5, seed=3)
    logits = EmitterRecipe.of("two_stage_logit", beside=beside, epochs=5, seed=3)
    assert logits.beside == beside and other == replace(logits, beside=not beside)
    assert {other.maps, logits.maps} == {1, 2} and other.is_second_stage and other.method == "two_stage_logit"
    assert EmitterRecipe.of("other_input").beside is not EmitterRecipe().beside


@pytest.mark.parametrize("recipe, maps, second", [
    (SINGLE, 1, False), (FIRST, 1, False), (BINARY, 1, True), (LOGIT, 2, True), (replace(LOGIT, beside=False), 1, True)
])
def test_a_second_stage_sees_the_readings_beside_logits_alone(recipe, maps, second):
    assert recipe.maps == maps and recipe.is_second_stage == second
    expected = (1, 16, 16) if recipe is FIRST else (3, 3)
    assert build(recipe, "cpu").infer(torch.zeros(2, maps, 16, 16)).shape == (2, *expected)


def test_first_weights_are_the_seeds_and_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    one = build(SINGLE, "cpu")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert same(build(SINGLE, "cpu"), one) and not same(build(replace(SINGLE, seed=1), "cpu"), one)


def test_the_number_format_is_that_of_the_recipe():
    model, formats = build(replace(SINGLE, precision="bfloat16"), "cpu"), []
    model.net.head[0].register_forward_hook(lambda layer, given, made: formats.append(made.dtype))
    assert model.infer(torch.zeros(2, 1, 16, 16)).dtype == torch.float32
    assert formats == [torch.bfloat16]


def test_the_optimizer_has_the_rates_of_the_recipe():
    for schedule, muon_rate in (("constant", 0.02), ("constant", 0.0), ("one_cycle", 0.02)):
        recipe = replace(SINGLE, schedule=schedule, muon_rate=muon_rate)
        parts = optimizer(recipe, build(recipe, "cpu"), 10).parts
        start = 1.0 if schedule == "constant" else 1 / 25
        assert [part.param_groups[0]["lr"] for part in parts] == pytest.approx(
            [rate * start for rate in (3e-3, muon_rate) if rate])


def test_a_network_comes_back_from_its_folder(reference, tmp_path):
    for recipe in (LOGIT, replace(LOGIT, beside=False, seed=5), FIRST):
        saved = build(recipe, "cpu")
        model, again = load_model(save_model(saved, recipe, tmp_path / "other"), "cpu")
        assert again == recipe and same(model, saved)
    model, recipe = load_model(save_model(reference.model, SINGLE, tmp_path / "model"), "cpu")
    assert recipe == SINGLE and same(model, reference.model) and not model.training


def test_a_folder_that_holds_no_network_is_named(tmp_path):
    folder = save_model(build(SINGLE, "cpu"), SINGLE, tmp_path / "model")
    (folder / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="weights.safetensors: not the weights that header.json was saved with"):
        load_model(folder)
    (folder / "header.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="header.json: format is 'other'"):
        load_model(folder)
    with pytest.raises(InputError, match="header.json: no such file; expected a folder of trained networks"):
        load_model(tmp_path)


def test_more_cells_than_fit_in_memory_are_refused():
    with pytest.raises(InputError, match="recipe: 1000000 maps of 256 x 256 cells; expected at most"):
        EmitterRecipe(n=256, samples=10**6)


def test_any_flipped_bit_of_a_folder_is_refused(tmp_path):
    folder, rng = save_model(build(SINGLE, "cpu"), SINGLE, tmp_path / "model"), random.Random(0)
    for path in [*sorted(folder.iterdir())] * 15:
        raw = path.read_bytes()
        changed = bytearray(raw)
        changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(InputError, match=path.name):
            load_model(folder)
        path.write_bytes(raw)
    assert load_model(folder)[1] == SINGLE


@pytest.mark.parametrize("given", [None, 3, "single_stage", FIRST])
def test_what_is_no_network_or_recipe_is_named(given, tmp_path):
    if given is not FIRST:
        with pytest.raises(InputError, match="recipe is .*; expected EmitterRecipe"):
            build(given)
    with pytest.raises(InputError, match="model is .*; expected Model"):
        save_model(given, SINGLE, tmp_path)
    assert not list(tmp_path.iterdir())
