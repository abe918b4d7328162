"""The networks people deploy, each made as a TensorFlow SavedModel and as ONNX with the same weights.

registry.NETWORKS: name -> function(folder) -> Made, which writes folder/saved_model and folder/model.onnx. To add one:
write the function in the file of its subject and put it in that file's NETWORKS.
"""

# Those that peers.py times; the others are for coverage.py. This file loads no framework.
BENCH = (
    "resnet50",
    "mobilenetv2",
    "inceptionv3",
    "efficientnetb0",
    "bert",
    "minilm",
    "lstm",
    "dlrm",
    "ssd",
    "unet",
)
