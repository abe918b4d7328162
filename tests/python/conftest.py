import pytest
import small_models as models

import hone


@pytest.fixture(scope="session")
def mlp():
    return models.Mlp()


@pytest.fixture(scope="session")
def mlp_path(mlp, tmp_path_factory):
    return mlp.save(tmp_path_factory.mktemp("models") / "mlp.onnx")


@pytest.fixture(scope="session")
def mlp_plan(mlp_path):
    return hone.build(mlp_path, tune=False)


@pytest.fixture(scope="session")
def engine(mlp_plan):
    return hone.load(mlp_plan)


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """The engine with two inputs and two outputs."""
    path = models.save_two_inputs(tmp_path_factory.mktemp("models") / "pair.onnx")
    return hone.load(hone.build(path, tune=False))
