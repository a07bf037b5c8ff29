"""Train the reader: `python -m qa.train` goes from a data folder to committed weights.

```
data ──► augment ──► features ──► model ──► loop ──► export
examples  negatives   batches      three     fit,     int8 ONNX,
          and noise   of tokens    heads     resume   model card
```
Each module can be read and tested alone. Needs the extra `train`; nothing at run time imports it.
"""
