"""A trained detector elsewhere: on your pictures, and as an ONNX file."""
