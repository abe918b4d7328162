"""What the tests of the TensorFlow plug-in share: where the built files are, an installed-like
folder around them, and hand-written SavedModels like those the converter makes."""

import os
import pathlib
import shutil
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# Numbers of hn_dtype, by NumPy name.
HN = {
    "float32": 1,
    "float64": 2,
    "float16": 3,
    "bfloat16": 4,
    "int8": 5,
    "int16": 6,
    "int32": 7,
    "int64": 8,
    "uint8": 9,
    "uint16": 10,
    "uint32": 11,
    "uint64": 12,
    "bool": 13,
}


def built_files():
    """(libhone_tf.so, the stub libhone.so) of a build tree, or None."""
    folders = [os.environ.get("HONE_BUILD_DIR"), REPOSITORY / "build"]
    for folder in (pathlib.Path(f) / "integrations" for f in folders if f):
        plugin = folder / "tensorflow-plugins" / "libhone_tf.so"
        stub = folder / "stub" / "libhone.so"
        if plugin.exists() and stub.exists():
            return plugin, stub
    return None


def needed_hone(plugin):
    """The name under which the plug-in asks for libhone (its SONAME may carry a version)."""
    text = subprocess.run(["readelf", "-d", plugin], capture_output=True, text=True, check=True)
    names = [
        line.split("[")[1].split("]")[0] for line in text.stdout.splitlines() if "(NEEDED)" in line
    ]
    return next(name for name in names if name.startswith("libhone.so"))


def install(root, plugin, stub):
    """Lays out root/site-packages as a wheel does, the stub as libhone; gives the plug-in there."""
    plugins = root / "site-packages" / "tensorflow-plugins"
    library = root / "site-packages" / "hone" / "lib"
    for folder in (plugins, library):
        folder.mkdir(parents=True)
    shutil.copy(stub, library / needed_hone(plugin))
    return pathlib.Path(shutil.copy(plugin, plugins))


def run_python(code, *arguments, **environment):
    """Runs `code` in a fresh interpreter; gives (stdout, stderr)."""
    env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", **environment)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=env,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, done.stderr


def plan(mode="scale", factor=2, inputs=("float32",), outputs=("float32",)):
    """A plan of the stub."""
    types = [",".join(str(HN[t]) for t in names) for names in (inputs, outputs)]
    return f"STUB mode={mode} factor={factor} in={types[0]} out={types[1]}\n".encode()


class SavedModelWriter:
    """A TensorFlow-1-style SavedModel with engine nodes, their plans in assets/ and an init op."""

    def __init__(self):
        from tensorflow.core.protobuf import saved_model_pb2

        self.proto = saved_model_pb2.SavedModel(saved_model_schema_version=1)
        self.meta = self.proto.meta_graphs.add()
        self.meta.meta_info_def.tags.append("serve")
        self.graph = self.meta.graph_def
        self.graph.versions.producer = 1087  # what TensorFlow 2.12 wrote
        self.assets = {}
        self.init_inputs = []

    def node(self, op, name, *inputs, **attributes):
        node = self.graph.node.add(name=name, op=op, input=inputs)
        for key, value in attributes.items():
            attribute = node.attr[key]
            if key in ("InT", "OutT"):
                attribute.list.type.extend(value)
            elif key in ("dtype", "T"):
                attribute.type = value
            elif key == "shape":
                self._shape(attribute.shape, value)
            elif key == "output_shapes":
                for shape in value:
                    self._shape(attribute.list.shape.add(), shape)
            elif key == "value":
                attribute.tensor.CopyFrom(value)
            elif isinstance(value, int):
                attribute.i = value
            else:
                attribute.s = value if isinstance(value, bytes) else value.encode()
        return name

    def placeholder(self, name, shape=(None, 3)):
        return self.node("Placeholder", name, dtype=1, shape=shape)

    def engine(self, name, x, key, shape=(None, 3), **attributes):
        """A float32 engine node with one input and one output, and the EnsureShape behind it."""
        self.node(
            "HoneEngineOp",
            name,
            x,
            InT=[1],
            OutT=[1],
            plan=b"key:" + key.encode(),
            segment="test/" + name,
            output_shapes=[shape],
            **attributes,
        )
        return self.node("EnsureShape", name + "/shape", name, T=1, shape=shape)

    def init(self, key, file_name, content, **attributes):
        """The plan `content` in assets/file_name, loaded under `key` by the init op."""
        import tensorflow as tf

        asset = f"hone_asset_{len(self.assets)}"
        self.node("Const", asset, dtype=7, value=tf.make_tensor_proto(file_name))
        entry = self.meta.asset_file_def.add(filename=file_name)
        entry.tensor_info.name = asset + ":0"
        node = self.node(
            "HoneInitEngine", f"hone_init_{len(self.assets)}", asset, key=key, **attributes
        )
        self.init_inputs.append("^" + node)
        self.assets[file_name] = content

    def signature(self, name, x, y, shape=(None, 3)):
        signature = self.meta.signature_def[name]
        signature.method_name = "tensorflow/serving/predict"
        for tensors, key, tensor in ((signature.inputs, "x", x), (signature.outputs, "y", y)):
            tensors[key].name = tensor + ":0"
            tensors[key].dtype = 1
            self._shape(tensors[key].tensor_shape, shape)

    def save(self, folder):
        folder = pathlib.Path(folder)
        (folder / "assets").mkdir(parents=True)
        if self.init_inputs:
            self.node("NoOp", "hone_init_all", *self.init_inputs)
            self.meta.collection_def["saved_model_main_op"].node_list.value.append("hone_init_all")
        for name, content in self.assets.items():
            if content is not None:
                (folder / "assets" / name).write_bytes(content)
        (folder / "saved_model.pb").write_bytes(self.proto.SerializeToString())
        return folder

    @staticmethod
    def _shape(proto, shape):
        for dim in shape:
            proto.dim.add(size=-1 if dim is None else dim)
