"""What an installed package has besides Python: command, libraries, headers, CMake and pkg-config files."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

import hone

PACKAGE = pathlib.Path(hone.__file__).resolve().parent
ROOT = pathlib.Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not (PACKAGE / "lib" / "cmake").exists(),
    reason="hone comes from a build tree, not from a wheel",
)


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_files():
    for name in (
        "lib/libhone.so.0",
        "lib/libhone_runtime.so.0",
        "bin/hone",
        "include/hone/hone.h",
        "include/hone/c.h",
        "lib/cmake/hone/hone-config.cmake",
        "lib/pkgconfig/hone.pc",
        "py.typed",
    ):
        assert (PACKAGE / name).is_file(), name
    assert not (
        PACKAGE / "lib" / "libhone.so"
    ).exists()  # would be a second copy: wheels have no links
    plugins = list((PACKAGE.parent / "tensorflow-plugins").glob("*hone*"))
    assert [path.name for path in plugins] == ["libhone_tf.so"]
    assert not list(PACKAGE.rglob("libhone_tf*"))


def test_libraries_find_each_other():
    libraries = [PACKAGE.parent / "tensorflow-plugins/libhone_tf.so", PACKAGE / "bin/hone"]
    libraries += PACKAGE.glob("_hone*.so")
    assert len(libraries) == 3
    environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    for library in libraries:
        lines = run("ldd", library, env=environment).splitlines()
        (line,) = [line for line in lines if "libhone.so" in line]
        assert (PACKAGE / "lib/libhone.so.0").samefile(line.split()[2])


def test_command():
    script = pathlib.Path(sysconfig.get_path("scripts")) / "hone"
    for command in ([script], [sys.executable, "-m", "hone"], [PACKAGE / "bin" / "hone"]):
        assert hone.__version__ in run(*command, "--version")


@pytest.mark.slow
def test_find_package(tmp_path):
    """The same program that tests an installation by CMake."""
    client = ROOT / "tests" / "install" / "client"
    config = PACKAGE / "lib" / "cmake" / "hone"
    run(
        "cmake",
        "-S",
        client,
        "-B",
        tmp_path,
        f"-Dhone_DIR={config}",
        f"-DHONE_EXPECTED_VERSION={hone.__version__}",
    )
    run("cmake", "--build", tmp_path)
    for program in ("client", "runtime_client"):
        assert f"hone {hone.__version__}: " in run(tmp_path / program)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="no pkg-config")
def test_pkg_config(tmp_path):
    environment = dict(os.environ, PKG_CONFIG_PATH=str(PACKAGE / "lib" / "pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "hone", env=environment).split()
    source = ROOT / "tests" / "install" / "client" / "client.cc"
    program = tmp_path / "client"
    run(
        os.environ.get("CXX", "c++"),
        "-std=c++20",
        source,
        *flags,
        f"-Wl,-rpath,{PACKAGE / 'lib'}",
        "-o",
        program,
    )
    assert hone.__version__ in run(program)
