"""The same results in less time: quicker forwards for parts of a detector, up to rounding.

They are for CPUs. On CUDA, convolutions are cuDNN's and RoIAlign is torchvision's kernel, and only
the waits of the host are fewer. No GPU was at hand; this is what counting lets one expect of an
H100 with 989e12 bf16 operations and 3.35e12 bytes a second (NVIDIA's data sheet). A training step
of AugFPN on two images of 800 x 1216 px with 512 RoIs each:

- 1.28e12 multiply-accumulates: 2.6 ms in bf16.
- RoIAlign from four levels, for Soft RoI Selection and for Consistent Supervision: 7.0e9 bytes in
  float32, in which it runs under autocast, 2.1 ms, and as much again in the backward pass. Most
  reads come from the cache, so that the true time is shorter. A kernel of our own, as one in Triton
  that gates and sums while it pools, could save a part of this.
- Over a thousand operators in the forward pass alone, at some 5 microseconds to launch each: 5 ms,
  more than their arithmetic. So `torch.compile` or CUDA graphs for the dense part, which
  `augfpn.deploy.export.compile_dense` makes, are to be tried first.
"""
