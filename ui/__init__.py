"""The two doors: the page and the command line."""

import os

# Read when Gradio and the libraries below it are imported; without them they ask the network.
for _name, _value in (("GRADIO_ANALYTICS_ENABLED", "False"), ("HF_HUB_OFFLINE", "1")):
    os.environ.setdefault(_name, _value)
